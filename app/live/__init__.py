"""Watching at the scanner: the watch, its picture, its side pane and its dialogs."""
