"""Millimetres per pixel, with their origin."""
