"""What all tables of measurements share: where they were made, on what, and where they go."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
sys.path.insert(0, str(ROOT))  # the package beside this folder, installed or not
TOO_FEW_GENES = "visium_mouse_brain_coronal_allspots100g"
PACKAGES = ("numpy", "scipy", "torch", "scikit-learn")


def machine() -> str:
    """One line: date, processor, cores, Python and the packages that do the work."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {_processor()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, {packages}"
    )


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def sections(named: Sequence[str] = ()) -> list[Path]:
    """Files of real sections: those named, or all that have enough genes to be scored."""
    found = {path.stem: path for path in sorted((SHARED / "data").glob("*.h5ad"))}
    if unknown := [name for name in named if Path(name).stem not in found]:
        sys.exit(f"Sections must be among {', '.join(found)}; got {', '.join(unknown)}.")
    chosen = [Path(name).stem for name in named] or [n for n in found if n != TOO_FEW_GENES]
    return [found[name] for name in chosen]


def remember(scores: pd.DataFrame, raw: Path | None, keys: Sequence[str]) -> pd.DataFrame:
    """Join scores with those of earlier runs, so that a table can be measured piece by piece.

    Parameters
    ----------
    scores
        One row per measurement.
    raw
        CSV file that holds the earlier ones, read and written again; None: there are none.
    keys
        Columns that tell one measurement from another; a new one replaces the old.
    """
    if raw is None:
        return scores
    text = dict.fromkeys(keys, str)
    parts = [pd.read_csv(raw, dtype=text)] if raw.is_file() else []
    both = pd.concat([*parts, scores.astype(text)], ignore_index=True)
    both = both.drop_duplicates(list(keys), keep="last", ignore_index=True)
    raw.parent.mkdir(parents=True, exist_ok=True)
    both.to_csv(raw, index=False)
    return both


def publish(parts: Sequence[str], out: Path | None) -> None:
    """Print paragraphs of Markdown, and write them to ``out`` where it is given."""
    text = "\n\n".join(parts) + "\n"
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


def _processor() -> str:
    """Name of the processor where the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
