"""Gene sets: read from a GMT file, and matched to the genes of a section, aloud."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pandas as pd

from stentrans.errors import ParameterError, SectionFormatError
from stentrans.keys import GENE_IDS
from stentrans.section import is_simulated

if TYPE_CHECKING:
    from anndata import AnnData

FEWEST_MATCHED: Final = 0.5
"""Share of the genes that another way of matching finds, below which exact names are given up."""


@dataclass(frozen=True)
class GeneSets:
    """Named lists of genes.

    Parameters
    ----------
    sets
        Symbols or ids of each set, as their source writes them.
    source
        Where they come from, with version or date: part of what is reported.
    """

    sets: Mapping[str, tuple[str, ...]]
    source: str

    @property
    def genes(self) -> set[str]:
        """Genes that are in any set."""
        return {gene for members in self.sets.values() for gene in members}


@dataclass(frozen=True)
class Matched:
    """Gene sets in the names of a section.

    Parameters
    ----------
    sets
        Symbols of the section in each set; sets without any are left out.
    how
        ``"exact"``, ``"ids"`` or ``"upper case"``.
    n_genes
        Genes of the section that are in a set.
    n_lost
        Genes of the sets that the section does not have.
    sentence
        What was done, for people.
    source
        As in `GeneSets`.
    """

    sets: Mapping[str, tuple[str, ...]]
    how: str
    n_genes: int
    n_lost: int
    sentence: str
    source: str


def read_gmt(path: str | Path) -> GeneSets:
    """Read a GMT file: a set per line, its name, a description and its genes, tab-separated.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    SectionFormatError
        If it is not there, not text, or holds no set.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SectionFormatError(
            f"{file.name} must be a GMT file, lines of text separated by tabs; it could not be "
            f"read ({error})."
        ) from error
    return parse_gmt(text, file.name)


def parse_gmt(text: str, source: str) -> GeneSets:
    """Read the text of a GMT file; see `read_gmt`.

    Parameters
    ----------
    text
        Content of the file.
    source
        Its name, with version or date.

    Raises
    ------
    SectionFormatError
        If it holds no set.
    """
    sets: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        name, _, rest = line.rstrip().partition("\t")
        # Some sources add a weight to each gene: "ACTB,1.0".
        genes = [gene.partition(",")[0].strip() for gene in rest.split("\t")[1:]]
        members = tuple(dict.fromkeys(gene for gene in genes if gene))
        if name.strip() and members:
            sets[name.strip()] = members
    if not sets:
        raise SectionFormatError(
            f"{source} must hold at least one gene set (name, description and genes, separated by "
            "tabs); it holds none. Check that it is a GMT file."
        )
    return GeneSets(sets, source)


def sets_of(section: AnnData) -> GeneSets:
    """Return the gene sets that a simulated section brings along: the families of its genes.

    Raises
    ------
    ParameterError
        If the section is not simulated: real ones bring none.
    """
    if not is_simulated(section):
        raise ParameterError(
            "Only simulated sections bring gene sets along; this one is measured. Give a GMT file."
        )
    families: dict[str, list[str]] = {}
    for gene in section.var_names:
        families.setdefault(str(gene).partition("-")[0], []).append(str(gene))
    sets = {f"{name} genes": tuple(genes) for name, genes in families.items()}
    return GeneSets(sets, "families of simulated genes")


def match(gene_sets: GeneSets, section: AnnData) -> Matched:
    """Find the genes of the sets among those of a section, and say how.

    Parameters
    ----------
    gene_sets
        Symbols or ids.
    section
        A section, left as it was; its symbols, else its gene ids, else its symbols in upper case
        are looked for.

    Raises
    ------
    ParameterError
        If no gene is found in any way.
    """
    wanted = gene_sets.genes
    ways = {name: way for name, way in _ways(section).items() if way}
    found = {name: len(wanted.intersection(way)) for name, way in ways.items()}
    how = max(found, key=lambda name: found[name])  # the first of equals: exact names
    if found.get("exact", 0) >= FEWEST_MATCHED * found[how]:
        how = "exact"
    if not found[how]:
        raise ParameterError(_no_overlap(gene_sets, section))
    way = ways[how]
    kept = {
        name: tuple(dict.fromkeys(way[gene] for gene in genes if gene in way))
        for name, genes in gene_sets.sets.items()
    }
    sets = {name: genes for name, genes in kept.items() if genes}
    n_genes = len({gene for genes in sets.values() for gene in genes})
    n_lost = len(wanted) - found[how]
    sentence = _sentence(how, section, n_genes, n_lost, _clashes(section, how))
    return Matched(sets, how, n_genes, n_lost, sentence, gene_sets.source)


def _ways(section: AnnData) -> dict[str, dict[str, str]]:
    """Each way to call the genes of a section: other name to symbol."""
    symbols = [str(name) for name in section.var_names]
    ids: Sequence[str] = ()
    if GENE_IDS in section.var:
        ids = [str(one).partition(".")[0] for one in section.var[GENE_IDS]]
    upper: dict[str, str] = {}
    for symbol in symbols:
        upper.setdefault(symbol.upper(), symbol)
    return {
        "exact": dict(zip(symbols, symbols, strict=True)),
        "ids": dict(zip(ids, symbols, strict=True)) if ids else {},
        "upper case": upper,
    }


def _clashes(section: AnnData, how: str) -> int:
    """Genes of a section that share their upper-case name with another one."""
    if how != "upper case":
        return 0
    counted = Counter(str(name).upper() for name in section.var_names)
    return sum(n - 1 for n in counted.values())


def _sentence(how: str, section: AnnData, n_genes: int, n_lost: int, n_clashes: int) -> str:
    words = {
        "exact": "Gene symbols were matched as they are",
        "ids": "Genes were matched by their ids",
        "upper case": (
            "Symbols were put in upper case to match the sets (Actb as ACTB), a shortcut from "
            "mouse to human genes that is wrong for those whose ortholog has another name"
        ),
    }[how]
    clash = f" Left out, for they clashed: {n_clashes:,} of the symbols." if n_clashes else ""
    return (
        f"{words}: {n_genes:,} of {section.n_vars:,} genes of the section are in a set; "
        f"{n_lost:,} genes of the sets are not in the section.{clash}"
    )


def _no_overlap(gene_sets: GeneSets, section: AnnData) -> str:
    theirs = ", ".join(sorted(gene_sets.genes)[:3])
    ours = ", ".join(map(str, section.var_names[:3]))
    return (
        f"Gene sets must share genes with the section; {gene_sets.source} ({theirs}, …) and this "
        f"section ({ours}, …) have none in common. Use sets of the same species and kind of name."
    )


def limited(
    sets: Mapping[str, Sequence[str]], background: pd.Index, *, fewest: int, most: int
) -> dict[str, list[str]]:
    """Keep of each set what is in the background, and the sets of a size that can be tested.

    Parameters
    ----------
    sets
        Symbols of each set.
    background
        Genes that were tested.
    fewest, most
        Genes of the background that a set must hold.
    """
    known = set(background)
    kept = {name: [gene for gene in genes if gene in known] for name, genes in sets.items()}
    return {name: genes for name, genes in kept.items() if fewest <= len(genes) <= most}


def as_text(sets: Mapping[str, Sequence[str]]) -> str:
    """Write gene sets as the text of a GMT file."""
    lines = ["\t".join([name, "", *genes]) for name, genes in sets.items()]
    return "\n".join(lines) + "\n"
