"""Work beside the UI thread."""
