"""The tables and plots of a comparison, each naming data, split and n."""

from __future__ import annotations

from collections.abc import Sequence

from fetalnet.core.planes import Kind, Plane
from fetalnet.research.comparison.report import ALL, Compared, PhantomFigures, Report, Scores, System
from fetalnet.research.evaluation.hc18_scores import HEADER, Summary
from fetalnet.research.plots import Interval, interval_plot


def comparison_report(compared: Sequence[Compared], examinations: int, seeds: Sequence[int], machine: str) -> Report:
    """The table of all systems, heads by size, recordings, and what else is to be known."""
    first = compared[0]
    n = first.scores.heads[ALL].count
    split = f"HC18 validation split, n = {n} heads of {examinations} examinations"
    recordings = f"phantom recordings of seeds {seeds[0]} to {seeds[-1]}, n = {len(seeds)}"
    counts = ", ".join(
        f"{plane} {row['real']} and {row['phantom']}" for plane, row in first.system.weights.card["trained_on"].items()
    )
    lines = [
        "## The systems compared",
        "",
        f"Each was trained once from random weights (seed {first.system.config.seed}) and shown "
        f"{first.system.config.presentations:,} pictures, each counted as often as it was shown, of the same data "
        f"(real and phantom pictures by plane: {counts}). Nothing they are scored on was trained on: {split}; "
        f"{recordings}.",
        f"ms a delivered frame: from the frame to its measured geometry, float32, median on one CPU thread, all "
        f"systems in turn on the same frames ({machine}). Eager is PyTorch.",
        "",
        "| system | parameters | width | input | presentations | training | DSC % | HC error mm | Hausdorff mm "
        "| failures | phantom F1, mean | ms, eager | ms, OpenVINO | eager against "
        f"{first.system.name} on OpenVINO |",
        "|---|" + "---|" * 13,
        *(_row(each, first) for each in compared),
        "",
        f"### Real heads ({split})",
        "",
        HEADER,
        *(
            summary.row(f"{each.system.name}: {band}")
            for each in compared
            for band, summary in each.scores.heads.items()
        ),
        "",
        *_phantom_table(compared, recordings),
        *(f"- {each.system.remark}" for each in compared),
    ]
    heads = [(each.system.name, each.scores.heads[ALL]) for each in compared]
    plots = {
        "DSC of real heads": interval_plot(
            f"DSC, HC18 validation split, n = {n}",
            "% (mean, 95 % interval)",
            [Interval(name, 100 * of.overlap, *(100 * end for end in of.overlap_interval)) for name, of in heads],
        ),
        "HC error of real heads": interval_plot(
            f"Absolute HC error, HC18 validation split, n = {n}",
            "mm (mean, 95 % interval)",
            [Interval(name, of.absolute_mm, *of.absolute_interval_mm) for name, of in heads],
        ),
        "Time a frame": interval_plot(
            "Time a delivered frame, one CPU thread",
            "ms (median, logarithmic)",
            [
                Interval(f"{each.system.name}, {engine}", ms, ms, ms)
                for each in compared
                for engine, ms in each.ms.items()
            ],
            logarithmic=True,
        ),
    }
    return Report("comparison", lines, [_numbers(each) for each in compared], plots)


def transfer_report(system: System, scores: Scores, examinations: int, earlier: Sequence[Scores]) -> Report:
    """Real heads by size for a network that saw phantom heads alone; and, as they were scored, ``earlier`` ones."""
    heads = scores.heads
    lines = [
        "## From the phantom to real heads",
        "",
        f"{system.name} was trained on the phantom alone ({system.training}), last checkpoint, and never saw a "
        f"real picture: HC18, all of it, n = {heads[ALL].count} heads of {examinations} examinations. "
        f"{scores.label}; {system.size}, {system.parameters:,} parameters.",
        "",
        HEADER,
        *(summary.row(band) for band, summary in heads.items()),
    ]
    if scores.told is not None:
        lines += ["", "Told that each picture shows a head in its plane, so that the outline is asked about alone:"]
        lines += ["", HEADER, *(summary.row(band) for band, summary in scores.told.items())]
    lines += ["", f"- {system.remark}"]
    if earlier:
        lines += ["", "All heads, with earlier phantoms or trainings, as they were scored then:", "", HEADER]
        lines += [each.heads[ALL].row(each.label) for each in [*earlier, scores]]
    rows = [
        {"label": each.label, "heads": band} | _head_numbers(summary)
        for each in [*earlier, scores]
        for band, summary in each.heads.items()
    ]
    return Report("transfer", lines, rows, {})


def _row(each: Compared, first: Compared) -> str:
    system, heads, phantom = each.system, each.scores.heads[ALL], each.scores.phantom
    low, high = heads.overlap_interval
    low_mm, high_mm = heads.absolute_interval_mm
    cells = (
        system.name,
        f"{system.parameters:,}",
        system.width,
        system.size,
        f"{system.config.presentations:,}",
        system.training,
        f"{100 * heads.overlap:.2f} ({100 * low:.2f} to {100 * high:.2f})",
        f"{heads.absolute_mm:.2f} ({low_mm:.2f} to {high_mm:.2f})",
        f"{heads.hausdorff_mm:.2f}",
        str(heads.failures),
        "–" if phantom is None else f"{phantom.mean_f1:.3f}",
        f"{each.ms['torch']:.1f}",
        f"{each.ms['openvino']:.1f}",
        f"{each.ms['torch'] / first.ms['openvino']:.1f}",
    )
    return f"| {' | '.join(cells)} |"


def _phantom_table(compared: Sequence[Compared], recordings: str) -> list[str]:
    """Recordings are followed by systems that know more than heads."""
    rows = [_phantom_row(each.system.name, each.scores.phantom) for each in compared if each.scores.phantom is not None]
    if not rows:
        return []
    return [
        f"### Phantom ({recordings})",
        "",
        "| system | frames | "
        + " | ".join(f"F1 {plane}" for plane in Plane)
        + " | HC error % | AC error % | FL error % "
        "| best frame right | wrong | none, though there is one | a frame, though there is none |",
        "|---|" + "---|" * (len(Plane) + 8),
        *rows,
        "",
        "Errors are absolute, of the best frames: mean ± standard deviation (95 % bootstrap interval).",
        "",
    ]


def _phantom_row(name: str, phantom: PhantomFigures) -> str:
    cells = [
        name,
        str(phantom.frames),
        *(f"{score:.3f}" for score in phantom.f1.values()),
        *(phantom.error_percent[kind].text() for kind in (Kind.HC, Kind.AC, Kind.FL)),
        *(str(count) for count in (phantom.right, phantom.wrong, phantom.missed, phantom.false_measures)),
    ]
    return f"| {' | '.join(cells)} |"


def _numbers(each: Compared) -> dict[str, object]:
    numbers: dict[str, object] = {
        "system": each.system.name,
        "parameters": each.system.parameters,
        "width": each.system.width,
        "input": each.system.size,
        "presentations": each.system.config.presentations,
        "seen_besides": sum(each.system.seen_besides.values()),
        "training": each.system.training,
        "sha256": each.system.weights.sha256,
    }
    numbers |= _head_numbers(each.scores.heads[ALL])
    phantom = each.scores.phantom
    if phantom is not None:
        numbers |= {f"phantom_f1_{plane}": score for plane, score in phantom.f1.items()}
        numbers |= {f"phantom_{kind}_error_percent": error.mean for kind, error in phantom.error_percent.items()}
        numbers |= {"phantom_recordings": phantom.recordings, "phantom_best_right": phantom.right}
        numbers |= {"phantom_best_wrong": phantom.wrong, "phantom_missed": phantom.missed}
        numbers |= {"phantom_false": phantom.false_measures}
    return numbers | {f"ms_{name}": ms for name, ms in each.ms.items()}


def _head_numbers(of: Summary) -> dict[str, object]:
    return {
        "heads_n": of.count,
        "dsc": of.overlap,
        "dsc_low": of.overlap_interval[0],
        "dsc_high": of.overlap_interval[1],
        "hc_error_mm": of.absolute_mm,
        "hc_error_low_mm": of.absolute_interval_mm[0],
        "hc_error_high_mm": of.absolute_interval_mm[1],
        "hc_error_median_mm": of.median_absolute_mm,
        "hc_bias_mm": of.bias_mm,
        "hausdorff_mm": of.hausdorff_mm,
        "failures": of.failures,
    }
