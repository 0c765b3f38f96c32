"""The fan: the part of the screen that shows tissue."""
