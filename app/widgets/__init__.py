"""Widgets that know nothing of ultrasound."""
