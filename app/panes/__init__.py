"""Panes and bars of the window: they read the session and send it verbs."""
