"""The ruler beside the fan."""
