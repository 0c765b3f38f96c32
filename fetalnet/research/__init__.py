"""Makes and judges weights; no other room imports it."""
