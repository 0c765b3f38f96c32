"""Layers of the network."""
