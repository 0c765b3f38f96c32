"""A person's decisions on what was measured, and how they are kept."""
