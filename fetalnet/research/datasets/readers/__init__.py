"""Public data sets, one reader each."""
