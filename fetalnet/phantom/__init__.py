"""Simulated fetal ultrasound with its truth: a small 3-D world in mm, a scanner, a hand that sweeps over it."""

from fetalnet.phantom.clip import Aim, render_clip
from fetalnet.phantom.recording import PhantomRecording
from fetalnet.phantom.screen import Layout
from fetalnet.phantom.truth import FrameTruth, Section
from fetalnet.phantom.writing import truth_json, write_recording

__all__ = [
    "Aim", "FrameTruth", "Layout", "PhantomRecording", "Section", "render_clip", "truth_json", "write_recording",
]  # fmt: skip
