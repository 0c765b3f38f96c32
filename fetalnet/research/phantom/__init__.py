"""Simulated fetal ultrasound with its truth: a small 3-D world in mm, a scanner, a hand that sweeps over it."""

from fetalnet.research.phantom.clip import Aim, render_clip
from fetalnet.research.phantom.recording import PhantomRecording
from fetalnet.research.phantom.scanner.screen import Layout
from fetalnet.research.phantom.truth import FrameTruth, Section
from fetalnet.research.phantom.writing import truth_json, write_recording

__all__ = [
    "Aim", "FrameTruth", "Layout", "PhantomRecording", "Section", "render_clip", "truth_json", "write_recording",
]  # fmt: skip
