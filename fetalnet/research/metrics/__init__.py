"""Scores as the field defines them; functions on numbers and geometry, whoever predicted them."""
