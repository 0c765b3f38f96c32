"""The method: from a frame of fetal ultrasound to measurements. No Qt in this package."""

__version__ = "0.1.0"
