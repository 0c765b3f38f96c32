"""What is open, played, analysed, watched and received; no widget."""
