"""The truth follows docs/definitions.md."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fetalnet.core.geometry import Ellipse, Line
from fetalnet.core.planes import STANDARD_PLANES, Kind, Plane
from fetalnet.growth.intergrowth import draw_sizes, mean_and_sd_mm
from fetalnet.research.phantom import Aim, PhantomRecording, render_clip
from fetalnet.research.phantom.anatomy.world import build_world
from fetalnet.research.phantom.scanner.pose import Pose
from fetalnet.research.phantom.scanner.view import Box, Fan, View
from fetalnet.research.phantom.truth import (
    femur_section,
    femur_standardness,
    inside_weight,
    plane_ellipse_mm,
    round_section,
    round_standardness,
)

ALL = frozenset(STANDARD_PLANES)


def straight_pose(centre_mm: np.ndarray, normal: np.ndarray, depth_mm: float = 80.0) -> Pose:
    lateral = np.cross(normal, [0.3, 0.2, 1.0])
    lateral /= np.linalg.norm(lateral)
    axial = np.cross(normal, lateral)
    return Pose(centre_mm - depth_mm * axial, np.stack([lateral, axial, normal], axis=1))


def wide_view() -> View:
    return View(Fan(50.0, math.radians(44), 260.0), (1200, 1000), Box(0, 0, 1200, 1000), (600.0, 20.0), 0.3)


@pytest.mark.parametrize(
    ("distance_mm", "angle_deg", "longest_mm", "inside", "expected"),
    [
        (0.0, 0.0, 100.0, 1.0, 1.0),
        (7.5, 0.0, 100.0, 1.0, 0.6065),  # one width off: exp(-1/2)
        (0.0, 10.0, 100.0, 1.0, 0.6065),
        (7.5, 10.0, 100.0, 1.0, 0.3679),  # both: exp(-1)
        (3.0, 5.0, 60.0, 1.0, 0.7066),  # exp(-((3/4.5)^2 + 0.25) / 2)
        (0.0, 0.0, 100.0, 0.835, 0.5),  # half way from 70 to 97 %
        (0.0, 0.0, 100.0, 0.70, 0.0),
        (0.0, 0.0, 100.0, 0.97, 1.0),
    ],
)
def test_round_standardness_equals_hand_computed_cases(
    distance_mm: float, angle_deg: float, longest_mm: float, inside: float, expected: float
) -> None:
    assert round_standardness(distance_mm, angle_deg, longest_mm, inside) == pytest.approx(expected, abs=1e-3)


def test_femur_standardness_equals_hand_computed_cases() -> None:
    # Radius 1 mm: w = 2.1 mm. Both ends w off: exp(-2 w^2 / (4 w^2)) = exp(-1/2).
    assert femur_standardness(2.1, 2.1, 1.0, 1.0) == pytest.approx(0.6065, abs=1e-3)
    assert femur_standardness(0.0, -2.1, 1.0, 1.0) == pytest.approx(0.7788, abs=1e-3)
    assert femur_standardness(0.0, 0.0, 1.0, 0.835) == pytest.approx(0.5, abs=1e-3)
    assert inside_weight(0.5) == 0.0


@pytest.mark.parametrize("kind", list(Kind))
def test_sizes_equal_intergrowth_at_20_weeks(kind: Kind) -> None:
    mean_mm, sd_mm = mean_and_sd_mm(kind, 20.0)
    expected = {Kind.HC: (172.48, 7.440), Kind.BPD: (48.45, 2.298), Kind.OFD: (60.69, 2.777),
                Kind.AC: (147.72, 7.628), Kind.FL: (31.29, 1.776)}[kind]  # fmt: skip
    assert (mean_mm, sd_mm) == pytest.approx(expected, abs=0.01)


def test_heads_start_at_40_mm() -> None:
    sizes = [draw_sizes(np.random.default_rng(seed), 10.5).hc_mm for seed in range(40)]
    assert np.mean(sizes) == pytest.approx(40.0, abs=1.5)


@pytest.mark.parametrize("seed", range(6))
def test_ideal_plane_measures_the_true_sizes(seed: int) -> None:
    world = build_world(np.random.default_rng(seed), ALL)
    assert world.head is not None
    assert world.trunk is not None
    for body, plane, size_mm in (
        (world.head, Plane.HEAD, world.sizes.hc_mm),
        (world.trunk, Plane.ABDOMEN, world.sizes.ac_mm),
    ):
        section = round_section(body, plane, straight_pose(body.centre_mm, body.axes[:, 2]), wide_view())
        assert section is not None
        assert section.standardness == pytest.approx(1.0)
        assert isinstance(section.geometry, Ellipse)
        assert section.geometry.perimeter_px * 0.3 == pytest.approx(size_mm, rel=1e-6)
    femur = world.femurs[0]
    section = femur_section(femur, straight_pose(femur.centre_mm, femur.axes[:, 1]), wide_view())
    assert section is not None
    assert isinstance(section.geometry, Line)
    assert section.geometry.length_px * 0.3 == pytest.approx(world.sizes.fl_mm, rel=1e-6)


def test_oblique_section_lies_on_the_skull() -> None:
    world = build_world(np.random.default_rng(3), ALL)
    head = world.head
    assert head is not None
    pose = straight_pose(head.centre_mm, head.axes[:, 2]).moved(
        np.array([3.0, 0.0, 4.0]), np.array([25.0, 10.0, 0.0]), 80.0
    )
    ellipse_mm = plane_ellipse_mm(head, pose)
    assert ellipse_mm is not None
    points = pose.origin_mm + ellipse_mm.points(50) @ pose.axes[:, :2].T
    on_unit_sphere = np.linalg.norm((points - head.centre_mm) @ head.axes / np.asarray(head.semi_mm), axis=1)
    assert on_unit_sphere == pytest.approx(np.ones(50), abs=1e-9)


def test_plane_beside_the_head_has_no_section() -> None:
    world = build_world(np.random.default_rng(3), ALL)
    head = world.head
    assert head is not None
    away = head.centre_mm + head.axes[:, 2] * head.semi_mm[2] * 1.01
    assert round_section(head, Plane.HEAD, straight_pose(away, head.axes[:, 2]), wide_view()) is None


@pytest.mark.parametrize("seed", range(8))
def test_labels_follow_standardness_and_standard_frames_measure_true(seed: int) -> None:
    recording = PhantomRecording(seed, planes=STANDARD_PLANES, duration_s=12, frame_rate_hz=10, size=(320, 240))
    sizes_mm = recording.sizes_mm
    of_plane = {Plane.HEAD: sizes_mm[Kind.HC], Plane.ABDOMEN: sizes_mm[Kind.AC], Plane.FEMUR: sizes_mm[Kind.FL]}
    seen: set[Plane] = set()
    for truth in recording.truths:
        best = max(truth.standardness_of, key=truth.standardness_of.__getitem__)
        assert truth.plane is (best if truth.standardness >= 0.5 else Plane.OTHER)
        assert truth.ambiguous == (0.25 < truth.standardness < 0.65)
        if not truth.standard:
            continue
        seen.add(truth.plane)
        geometry = truth.geometry
        assert geometry is not None
        scaled = geometry.scaled(truth.mm_per_pixel)
        measured_mm = scaled.perimeter_px if isinstance(scaled, Ellipse) else scaled.length_px
        assert measured_mm == pytest.approx(of_plane[truth.plane], rel=0.01)
    assert seen == set(STANDARD_PLANES)


@pytest.mark.parametrize("planes", [(), (Plane.HEAD,), (Plane.ABDOMEN,), (Plane.FEMUR,)])
def test_absent_planes_are_never_labelled(planes: tuple[Plane, ...]) -> None:
    for seed in range(6):
        recording = PhantomRecording(seed, planes=planes, duration_s=10, frame_rate_hz=8, size=(320, 240))
        labels = {truth.plane for truth in recording.truths}
        assert labels <= {*planes, Plane.OTHER}
        for plane in set(STANDARD_PLANES) - set(planes):
            assert max(truth.standardness_of[plane] for truth in recording.truths) <= 0.25


@pytest.mark.parametrize("plane", list(Plane))
def test_clips_hit_their_aim(plane: Plane) -> None:
    hits = [render_clip(seed, 1, plane, aim=Aim.STANDARD, size=(240, 160))[0][1].plane is plane for seed in range(12)]
    assert sum(hits) >= 11


def test_ideal_head_shows_its_structures_and_not_the_cerebellum() -> None:
    truth = render_clip(5, 1, Plane.HEAD, aim=Aim.STANDARD, size=(320, 240))[0][1]
    assert {"thalami", "cavum"} <= set(truth.visible)
    assert "cerebellum" not in truth.visible
