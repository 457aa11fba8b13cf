"""Gene-set libraries of Enrichr: fetched once when somebody asks, then kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

from stentrans.errors import StentransError
from stentrans.patterns.gene_sets import GeneSets, parse_gmt, read_gmt
from stentrans.validate import check_option

ADDRESS: Final = "https://maayanlab.cloud/Enrichr/geneSetLibrary?mode=text&libraryName="
LIBRARIES: Final = {
    "GO_Biological_Process_2023": "Gene Ontology, biological processes",
    "GO_Molecular_Function_2023": "Gene Ontology, molecular functions",
    "KEGG_2021_Human": "KEGG pathways, human",
    "KEGG_2019_Mouse": "KEGG pathways, mouse",
    "Reactome_2022": "Reactome pathways, human",
    "WikiPathways_2024_Human": "WikiPathways, human",
    "WikiPathways_2024_Mouse": "WikiPathways, mouse",
    "MSigDB_Hallmark_2020": "MSigDB hallmark sets, human",
}
"""Libraries that are offered; the year in the name is their version."""
TIMEOUT_S: Final = 30.0
LARGEST_BYTES: Final = 64 * 2**20


def library(name: str, folder: Path) -> GeneSets:
    """Return a library of Enrichr, from the folder if it was fetched before.

    Parameters
    ----------
    name
        One of `LIBRARIES`.
    folder
        Where libraries are kept, made if needed.

    Raises
    ------
    ParameterError
        If ``name`` is none of the libraries.
    StentransError
        If it has to be fetched and cannot be.
    """
    check_option("library", name, LIBRARIES)
    file = folder / f"{name}.gmt"
    if not is_kept(name, folder):
        _fetch(name, file)
    told = json.loads(file.with_suffix(".json").read_text("utf-8"))
    return GeneSets(read_gmt(file).sets, f"Enrichr {name}, fetched {told['fetched']}")


def is_kept(name: str, folder: Path) -> bool:
    """Say whether a library was fetched before, so that no network is needed."""
    return (folder / f"{name}.json").is_file() and (folder / f"{name}.gmt").is_file()


def _fetch(name: str, file: Path) -> None:
    """Fetch a library and keep it with the day; a broken one is not kept."""
    text = _downloaded(name)
    parse_gmt(text, f"Enrichr's answer for {name}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".part")
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(file)
        told = {"name": name, "address": ADDRESS + name, "fetched": f"{datetime.now(UTC):%Y-%m-%d}"}
        # Last, because it says that the other file is whole.
        file.with_suffix(".json").write_text(json.dumps(told), encoding="utf-8")
    except OSError as error:
        raise StentransError(
            f"The folder {file.parent} must be writable to keep gene sets; {error.strerror}."
        ) from error


def _downloaded(name: str) -> str:
    """Text of a library."""
    try:
        with urlopen(ADDRESS + quote(name), timeout=TIMEOUT_S) as answer:
            content: bytes = answer.read(LARGEST_BYTES + 1)
            if len(content) > LARGEST_BYTES:
                raise URLError("the answer is too large")
            return content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:  # URLError and timeouts are OSErrors
        reason = getattr(error, "reason", error)
        raise StentransError(
            f"Enrichr must be reachable to fetch {name}; it is not ({reason}). Connect this "
            "machine to the internet and try again, or give a GMT file instead."
        ) from error
