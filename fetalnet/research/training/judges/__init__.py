"""Training of the judges and of the interval widths."""
