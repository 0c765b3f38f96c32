"""Weights against a labelled data set: predictions scored by the metrics that the labels allow."""
