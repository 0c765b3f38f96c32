"""Links to a scanner: network streams, OpenIGTLink, frame grabbers, replay."""
