"""Damages valid files at random and opens what comes out: ``python tests/support/fuzz_readers.py --count 20000``.

A reader may play such a file or refuse it with a sentence. Reported are other errors, crashes of the process, more
than 5 s for a file, more than 1 GB of memory, and sentences that name a patient. Each case is a number: the same
number is the same file again (``--case N --keep FILE``).
"""

from __future__ import annotations

import argparse
import faulthandler
import select
import subprocess
import sys
import tempfile
import traceback
import zipfile
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path

import numpy as np

sys.path[:0] = [str(folder) for folder in Path(__file__).parents[1:3]]

from fetalnet.core.errors import InputError  # noqa: E402
from fetalnet.sources import open_source  # noqa: E402
from support.dicom_files import FORMS, write  # noqa: E402

MAX_S, MAX_BYTES = 5.0, 2**30
NAME = "case.dcm"
_TELLING = [
    b"\0" * 4,
    b"\xff" * 4,
    b"\xff\xff\xff\x7f",
    b"\xfe\xff\x00\xe0",
    b"\xfe\xff\xdd\xe0",
    b"\xff\xd8",
    b"\xff\xd9",
]


@cache
def corpus() -> tuple[bytes, ...]:
    """One valid file of every form, and an archive of two."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, NAME)
        files = [write(path, form.make()).read_bytes() for form in FORMS]
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a/IM1", files[0])
        return (*files, path.read_bytes())


def damaged(case: int) -> bytes:
    """The file of this number: one of the corpus with 1 to 5 changes, most of them where it says what it is."""
    rng = np.random.default_rng(case)
    content = bytearray(corpus()[int(rng.integers(len(corpus())))])
    pixels = max(content.find(b"\xe0\x7f\x10\x00"), 0)
    places = ((0, pixels), (pixels, pixels + 400), (0, len(content)))
    for _ in range(int(rng.integers(1, 6))):
        start, end = places[int(rng.choice(3, p=[0.3, 0.4, 0.3]))]
        at = min(int(rng.integers(start, end + 1)), len(content) - 1)
        match int(rng.choice(7, p=[0.3, 0.2, 0.2, 0.15, 0.05, 0.05, 0.05])):
            case 0:
                content[at] ^= 1 << int(rng.integers(8))
            case 1:
                content[at] = int(rng.integers(256))
            case 2:
                telling = _TELLING[int(rng.integers(len(_TELLING)))]
                content[at : at + len(telling)] = telling
            case 3:
                length, other = int(rng.integers(1, 256)), int(rng.integers(len(content)))
                piece = content[other : other + length]
                content[at : at + len(piece)] = piece
            case 4:
                del content[at + 1 : at + int(rng.integers(2, 64))]
            case 5:
                content[at:at] = rng.bytes(int(rng.integers(1, 64)))
            case _:
                del content[at + 1 :]
    return bytes(content)


def open_case(case: int, folder: Path) -> str | None:
    """Open and play the file of this number; what is wrong with how that went, or None."""
    path = folder / NAME
    path.write_bytes(damaged(case))
    try:
        with closing(open_source(path)) as source:
            said = f"{source.name} {source.notice} {source.calibration.refused}"
            for index in range(min(len(source), 40)):
                frame = source[index]
                assert frame.pixels.shape[:2] == (source.height, source.width)
    except InputError as error:
        said = str(error)
        if not said.endswith(".") or "\n" in said:
            return f"no sentence: {said}"
    except Exception:  # noqa: BLE001  whatever it is, it is what we look for
        return traceback.format_exc()
    return f"names the patient: {said}" if "SECRET" in said else None


def work(first: int, last: int) -> None:
    """Open cases one after the other, telling on standard output of each before and after."""
    import resource

    faulthandler.enable()
    with tempfile.TemporaryDirectory() as folder:
        corpus()
        for case in range(first, last):
            print(f"begin {case}", flush=True)
            wrong = open_case(case, Path(folder))
            used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
            if used > MAX_BYTES:
                wrong = f"took {used >> 20} MB"
            print(f"end {case} " + ("" if wrong is None else wrong.strip().replace("\n", "\v")), flush=True)
            if used > MAX_BYTES:
                return


def watch(
    first: int,
    last: int,
    script: str = __file__,
    *,
    start_s: float = 120,
    limit_s: float = MAX_S,
    late: str = f"took more than {MAX_S:g} s",
) -> Iterator[tuple[int, str]]:
    """Run the cases of ``script`` in a process apart, begun again where a case ends it or is over its limit."""
    while first < last:
        command = [sys.executable, script, "--work", f"{first}:{last}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            assert process.stdout is not None
            running = None
            while True:
                # The corpus is made before the first case.
                if not select.select([process.stdout], [], [], limit_s if running is not None else start_s)[0]:
                    process.kill()
                    yield first, late
                    break
                word, _, rest = process.stdout.readline().strip().partition(" ")
                if not word:
                    if running is not None:
                        yield running, f"the process ended with status {process.wait()}"
                    break
                number, _, wrong = rest.partition(" ")
                running = int(number) if word == "begin" else None
                first = int(number) + (word == "end")
                if wrong:
                    yield int(number), wrong.replace("\v", "\n")
            if running is not None:
                first = running + 1
            elif process.wait() != 0:
                raise SystemExit("the worker does not start; run it with --work 0:1 to see why")


def main() -> int:
    """0 where nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="how many files")
    parser.add_argument("--first", type=int, default=0, help="number of the first")
    parser.add_argument("--case", type=int, help="open this one here")
    parser.add_argument("--keep", type=Path, help="with --case: write the file here")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(*map(int, arguments.work.split(":")))
        return 0
    if arguments.case is not None:
        if arguments.keep is not None:
            arguments.keep.write_bytes(damaged(arguments.case))
        with tempfile.TemporaryDirectory() as folder:
            print(open_case(arguments.case, Path(folder)) or "nothing wrong")
        return 0
    found = 0
    for case, wrong in watch(arguments.first, arguments.first + arguments.count):
        found += 1
        print(f"case {case}: {wrong}\n", flush=True)
    print(f"{arguments.count} files, {found} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
