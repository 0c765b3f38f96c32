"""Heads of the network: plane branch and readers of crops and strips."""
