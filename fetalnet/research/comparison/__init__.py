"""Ours beside the literature's systems."""
