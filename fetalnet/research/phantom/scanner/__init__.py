"""How the phantom is scanned and shown."""
