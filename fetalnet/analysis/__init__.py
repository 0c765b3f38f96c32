"""Predictions of a recording to findings: best frames, segments, estimates, quality."""
