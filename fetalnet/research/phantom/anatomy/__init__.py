"""What the phantom is made of."""
