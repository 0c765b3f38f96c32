"""The literature's networks, built from their papers."""
