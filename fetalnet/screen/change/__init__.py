"""Changes of depth, zoom and layout."""
