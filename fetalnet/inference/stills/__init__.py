"""Pictures alone: looked at mirrored and from nearer."""
