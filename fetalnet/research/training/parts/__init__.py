"""Training of the readers."""
