"""The model card: what weights were made from, how well they do, and where they end."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from fetalnet import __version__
from fetalnet.core.planes import Plane
from fetalnet.core.system.files import write_file
from fetalnet.network.weights import LoadedNetwork, read_card, write_card
from fetalnet.research.training.config import TrainingConfig
from fetalnet.research.training.data.batches import Collection

_DATA = [
    {
        "name": "HC18, van den Heuvel et al. 2018, doi 10.1371/journal.pone.0200412, Zenodo 1327317",
        "licence": "CC BY 4.0",
        "use": "real heads; heads erased, as other planes",
    },
    {
        "name": "FETAL_PLANES_DB, Burgos-Artizzu et al. 2020, doi 10.1038/s41598-020-67076-5, Zenodo 3904280",
        "licence": "CC BY 4.0",
        "use": "real brains, abdomens and femurs with calipers of this project (resources/annotations), what is seen "
        "in them, and real thoraxes and other views as none of our planes",
    },
]
_LIMITS = [
    "Research software, not a medical device: each measure is a proposal that a person accepts, corrects or rejects.",
    "Real abdomens and femurs were learned from stills of one country, most of them of one make of scanner; other "
    "scanners and hands may differ. There was no real fetal video.",
    "Real heads were learned from the same stills and from HC18, one hospital of another country with two scanners.",
    "No twins, no anomalies, no transvaginal scans were trained on knowingly.",
]


def new_card(
    config: TrainingConfig,
    collection: Collection,
    start: LoadedNetwork | None = None,
    stills: LoadedNetwork | None = None,
) -> dict[str, Any]:
    """The card of weights as training leaves them, without figures; with those of the weights it began with and of the
    weights whose network looks at stills.
    """
    table = collection.table()
    others = {"began_with": start, "stills": stills}
    return {
        "name": config.name,
        "version": __version__,
        "commit": _commit(),
        "seed": config.seed,
        "data": _DATA if config.real_data else [],
        "validation_split_seen": config.real_data and not config.hold_out_validation,
        "trained_on": {str(plane): {"real": table[plane, True], "phantom": table[plane, False]} for plane in Plane},
        "config": config.model_dump(mode="json"),
        "limits": _LIMITS,
    } | {key: _as_beginning(each.card) for key, each in others.items() if each is not None}


def _as_beginning(card: dict[str, Any]) -> dict[str, Any]:
    """A card within another: what was measured on those weights says nothing of these."""
    return {key: value for key, value in card.items() if key != "int8"} | {"figures": {}}


def add_figures(weights: Path, figures: dict[str, str]) -> None:
    """Write measured ``figures`` (title: Markdown) into the card, and the card for people ``<name>.md`` beside it.

    They take the place of those of the same title.
    """
    card = read_card(weights)
    card["figures"] = card.get("figures", {}) | figures
    write_card(weights, card)
    write_file(weights.with_suffix(".md"), as_markdown(card).encode())


def as_markdown(card: dict[str, Any]) -> str:
    """The card for people."""
    lines = [
        f"# {card['name']}",
        "",
        f"{card['architecture']}, version {card['version']}, commit {card['commit']}, seed {card['seed']}.",
        f"SHA-256 `{card['sha256']}`.",
        *_beginnings(card),
        *_of_stills(card),
        "",
        "## Trained on",
        *_parts_alone(card["config"]),
        "",
        "| plane | real | phantom |",
        "|---|---|---|",
        *(f"| {plane} | {row['real']} | {row['phantom']} |" for plane, row in card["trained_on"].items()),
        "",
        *(f"- {source['name']}; {source['licence']}: {source['use']}." for source in card["data"]),
        "- The phantom of this project: simulated pictures of all planes.",
        "",
        "The validation split "
        + ("was trained on too." if card["validation_split_seen"] else "was kept back: the figures below are of it."),
    ]
    for title, figures in card.get("figures", {}).items():
        lines += ["", f"## {title}", "", figures]
    lines += ["", "## Limits", "", *(f"- {limit}" for limit in card["limits"])]
    return "\n".join(lines) + "\n"


def _parts_alone(config: dict[str, Any]) -> list[str]:
    """Which part was trained where it was not the whole network."""
    if config["phases"]:
        return []
    named = {"rim": "the rim reader", "shaft": "the shaft reader"}
    parts = [name for part, name in named.items() if config.get(part) is not None]
    told = " and ".join(parts).capitalize() + " alone " + ("was" if len(parts) == 1 else "were")
    return ["", f"{told} trained; the rest is that of the weights it began with."]


def _beginnings(card: dict[str, Any]) -> list[str]:
    """The weights that training began with, the newest first."""
    before = card.get("began_with")
    if before is None:
        return []
    real, phantom = (sum(row[kind] for row in before["trained_on"].values()) for kind in ("real", "phantom"))
    line = (
        f"Began with weights `{before['sha256'][:12]}` (commit {before['commit']}, seed {before['seed']}, "
        f"{real} real pictures and {phantom} of the phantom)."
    )
    return [line, *_beginnings(before)]


def _of_stills(card: dict[str, Any]) -> list[str]:
    """Which weights look at pictures alone."""
    stills = card.get("stills")
    if stills is None:
        return []
    return [
        f"Pictures alone are looked at by the network of weights `{stills['sha256'][:12]}` (commit {stills['commit']}, "
        f"seed {stills['seed']}), which is in the same file."
    ]


def _commit() -> str:
    """The commit of the code, or "unknown" outside a clone."""
    try:
        result = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return "unknown"
    return result.stdout.strip() or "unknown"
