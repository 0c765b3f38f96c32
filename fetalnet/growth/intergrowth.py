"""Fetal size for gestational age: INTERGROWTH-21st (Papageorghiou et al., Lancet 2014;384:869)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fetalnet.core.geometry import ramanujan_perimeter
from fetalnet.core.planes import Kind

FIRST_TABLE_WEEK = 14.0
"""The equations hold from here to 40 weeks."""
SMALLEST_HC_WEEK = 10.5
_HC_AT_SMALLEST_MM = 40.0


@dataclass(frozen=True, slots=True)
class FetalSizes:
    """The true measures of one fetus in mm, outer to outer; circumferences are ellipse perimeters (Ramanujan II)."""

    ga_weeks: float
    bpd_mm: float
    ofd_mm: float
    abdomen_ap_mm: float
    abdomen_transverse_mm: float
    fl_mm: float

    @property
    def hc_mm(self) -> float:
        return ramanujan_perimeter(self.ofd_mm / 2, self.bpd_mm / 2)

    @property
    def ac_mm(self) -> float:
        return ramanujan_perimeter(self.abdomen_ap_mm / 2, self.abdomen_transverse_mm / 2)

    def by_kind(self) -> dict[Kind, float]:
        return {
            Kind.HC: self.hc_mm, Kind.BPD: self.bpd_mm, Kind.OFD: self.ofd_mm, Kind.AC: self.ac_mm, Kind.FL: self.fl_mm,
        }  # fmt: skip


def mean_and_sd_mm(kind: Kind, ga_weeks: float) -> tuple[float, float]:
    """INTERGROWTH-21st mean and standard deviation in mm at exact weeks 14 to 40."""
    g = ga_weeks
    ln = math.log(g)
    match kind:
        case Kind.HC:
            return (
                -28.2849 + 1.69267 * g**2 - 0.397485 * g**2 * ln,
                1.98735 + 0.0136772 * g**3 - 0.00726264 * g**3 * ln + 0.000976253 * g**3 * ln**2,
            )
        case Kind.BPD:
            return (
                5.60878 + 0.158369 * g**2 - 0.00256379 * g**3,
                math.exp(0.101242 + 0.00150557 * g**3 - 0.000771535 * g**3 * ln + 0.0000999638 * g**3 * ln**2),
            )
        case Kind.OFD:
            return (
                -12.4097 + 0.626342 * g**2 - 0.148075 * g**2 * ln,
                math.exp(-0.880034 + 0.0631165 * g**2 - 0.0317136 * g**2 * ln + 0.00408302 * g**2 * ln**2),
            )
        case Kind.AC:
            return (
                -81.3243 + 11.6772 * g - 0.000561865 * g**3,
                -4.36302 + 0.121445 * g**2 - 0.0130256 * g**3 + 0.00282143 * g**3 * ln,
            )
        case Kind.FL:
            return (
                -39.9616 + 4.32298 * g - 0.0380156 * g**2,
                math.exp(0.605843 - 42.0014 * g**-2 + 0.00000917972 * g**3),
            )


def draw_sizes(rng: np.random.Generator, ga_weeks: float) -> FetalSizes:
    """One fetus with z-scores that share a part; before 14 weeks the 14-week fetus is shrunk to HC 40 mm at 10.5."""
    week = min(max(ga_weeks, FIRST_TABLE_WEEK), 40.0)
    shared = rng.normal(0.0, 0.75)

    def size_mm(kind: Kind) -> float:
        mean_mm, sd_mm = mean_and_sd_mm(kind, week)
        return mean_mm + float(np.clip(shared + rng.normal(0.0, 0.7), -2.5, 2.5)) * sd_mm

    shrink = 1.0
    if ga_weeks < FIRST_TABLE_WEEK:
        at_table_mm = mean_and_sd_mm(Kind.HC, FIRST_TABLE_WEEK)[0]
        part = max(ga_weeks - SMALLEST_HC_WEEK, 0.0) / (FIRST_TABLE_WEEK - SMALLEST_HC_WEEK)
        shrink = (_HC_AT_SMALLEST_MM + part * (at_table_mm - _HC_AT_SMALLEST_MM)) / at_table_mm
    bpd_mm, ofd_mm, ac_mm, fl_mm = (size_mm(kind) * shrink for kind in (Kind.BPD, Kind.OFD, Kind.AC, Kind.FL))
    ofd_mm = max(ofd_mm, bpd_mm * 1.12)
    ratio = float(np.clip(rng.normal(1.0, 0.07), 0.84, 1.18))
    unit_mm = ac_mm / ramanujan_perimeter(0.5 * ratio, 0.5)
    return FetalSizes(ga_weeks, bpd_mm, ofd_mm, unit_mm * ratio, unit_mm, fl_mm)
