"""The picture, what is drawn over it, and the calipers that can be dragged."""
