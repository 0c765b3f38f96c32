"""What a frame tells before the network sees it: the fan and the scale."""
