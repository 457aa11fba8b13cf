"""Damage small files of every binary format in many ways and read them: loaded, or refused.

    python benchmarks/fuzz_reading.py [--variants 2000] [--formats h5ad,h5,...] [--seed 0]

Each variant is a truncated or bit-flipped copy. Anything but a section or a refusal with a code,
anything slower than 20 seconds, and anything written beside the file is printed; exit code 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

from machine import ROOT, machine, markdown, publish

sys.path.insert(0, str(ROOT))

from stentrans.errors import SectionFormatError  # after the path is set
from stentrans.section import read
from tests.section.damage import FORMATS, damaged_copies, write_format

SLOWEST_S = 20.0


def outcome(path: Path) -> str:
    """What reading ends with: ``loaded``, the code of a refusal, or ``CRASH`` and what it was."""
    try:
        read(path)
    except SectionFormatError as error:
        return error.code or "refused without code"
    except Exception as error:  # noqa: BLE001  # to find these is what this is for
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"CRASH {type(error).__name__} {error} at {where.filename}:{where.lineno}"
    return "loaded"


def main() -> int:
    """Damage, read, count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variants", type=int, default=2000)
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    rows, is_bad = [], False
    for name in given.formats.split(","):
        with tempfile.TemporaryDirectory() as folder:
            path, part = write_format(name, Path(folder))
            whole, seen, slowest = part.read_bytes(), Counter[str](), 0.0
            before = sorted(Path(folder).rglob("*"))
            for raw in damaged_copies(whole, given.variants, seed=given.seed):
                part.write_bytes(raw)
                start = time.perf_counter()
                found = outcome(path)
                slowest = max(slowest, time.perf_counter() - start)
                seen[found] += 1
            is_bad |= sorted(Path(folder).rglob("*")) != before or slowest > SLOWEST_S
        is_bad |= any(one.startswith(("CRASH", "refused")) for one in seen)
        told = ", ".join(f"{one} {n}" for one, n in sorted(seen.items()))
        rows.append([name, f"{given.variants:,}", told, f"{slowest:.2f} s"])
        sys.stderr.write(" | ".join(rows[-1]) + "\n")
    table = markdown(["format", "variants", "outcomes", "slowest"], rows)
    publish([machine(), f"seed {given.seed}", table], None)
    return int(is_bad)


if __name__ == "__main__":
    sys.exit(main())
