"""Changes of pictures in training."""
