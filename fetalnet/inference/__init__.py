"""A frame to a prediction."""
