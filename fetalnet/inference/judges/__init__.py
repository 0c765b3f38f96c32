"""What a frame shows, told from its neighbours in time."""
