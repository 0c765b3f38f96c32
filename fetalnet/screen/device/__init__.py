"""Scanners known by their screens."""
