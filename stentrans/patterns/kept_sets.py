"""Gene sets that a user gave, kept under the name of their content."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Final

from stentrans.errors import StoreError
from stentrans.patterns.gene_sets import GeneSets, as_text, read_gmt

FOLDER: Final = "gene_sets"
_NAME: Final = re.compile(r"[0-9a-f]{32}")


def keep_sets(gene_sets: GeneSets, home: Path) -> str:
    """Keep gene sets in the store's folder and return the name to find them by.

    Raises
    ------
    StoreError
        If the folder cannot be written.
    """
    text = as_text(gene_sets.sets)
    name = hashlib.sha256((gene_sets.source + "\n" + text).encode()).hexdigest()[:32]
    file = home / FOLDER / f"{name}.gmt"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.with_suffix(".json").write_text(json.dumps({"source": gene_sets.source}), "utf-8")
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"The folder {file.parent} must be writable to keep gene sets; {error.strerror}."
        ) from error
    return name


def kept_sets(name: str, home: Path) -> GeneSets:
    """Return gene sets that were kept; raises StoreError if they are not there."""
    file = home / FOLDER / f"{name}.gmt"
    if not _NAME.fullmatch(name) or not file.with_suffix(".json").is_file():
        raise StoreError("The gene sets of this result are not kept any more. Choose them again.")
    told = json.loads(file.with_suffix(".json").read_text("utf-8"))
    return GeneSets(read_gmt(file).sets, str(told["source"]))
