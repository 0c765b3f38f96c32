"""Vocabulary and values that every room may import; imports nothing of ours."""
