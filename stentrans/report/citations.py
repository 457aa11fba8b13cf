"""What to cite for a method, and where our methods differ from the article they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from stentrans import __version__


@dataclass(frozen=True)
class Citation:
    """One publication or program.

    Parameters
    ----------
    key
        Its name in a bibliography.
    kind
        Kind of BibTeX entry.
    authors
        Family name and given name of each.
    title, year
        As published.
    where
        Further fields of the entry by name, such as journal and doi.
    """

    key: str
    kind: str
    authors: tuple[str, ...]
    title: str
    year: str
    where: tuple[tuple[str, str], ...]

    def text(self) -> str:
        """Return it in one line, as in a list of references."""
        place = ", ".join(value for name, value in self.where if name not in ("url", "eprint"))
        address = dict(self.where).get("url", "")
        parts = [f"{'; '.join(self.authors)} ({self.year})", self.title, place, address]
        return ". ".join(part for part in parts if part) + "."

    def bibtex(self) -> str:
        """Return it as a BibTeX entry."""
        fields = {"author": " and ".join(self.authors), "title": f"{{{self.title}}}"}
        fields |= {"year": self.year, **dict(self.where)}
        lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
        return f"@{self.kind}{{{self.key},\n{lines}\n}}"


ARTICLE: Final = Citation(
    key="xue2024stentrans",
    kind="misc",
    authors=("Xue, Shuailin", "Zhu, Fangfang", "Wang, Changmiao", "Min, Wenwen"),
    title="stEnTrans: Transformer-based deep learning for spatial transcriptomics enhancement",
    year="2024",
    where=(
        ("howpublished", "arXiv:2407.08224"),
        ("eprint", "2407.08224"),
        ("url", "https://arxiv.org/abs/2407.08224"),
    ),
)
DIST: Final = Citation(
    key="zhao2023dist",
    kind="article",
    authors=("Zhao, Yanping", "Wang, Kui", "Hu, Gang"),
    title="DIST: spatial transcriptomics enhancement using deep learning",
    year="2023",
    where=(
        ("journal", "Briefings in Bioinformatics"),
        ("volume", "24"),
        ("pages", "bbad013"),
        ("url", "https://doi.org/10.1093/bib/bbad013"),
    ),
)
NEDI: Final = Citation(
    key="li2001nedi",
    kind="article",
    authors=("Li, Xin", "Orchard, Michael T."),
    title="New edge-directed interpolation",
    year="2001",
    where=(
        ("journal", "IEEE Transactions on Image Processing"),
        ("volume", "10"),
        ("pages", "1521-1527"),
        ("url", "https://doi.org/10.1109/83.951537"),
    ),
)
KRIGING: Final = Citation(
    key="cressie1993statistics",
    kind="book",
    authors=("Cressie, Noel A. C.",),
    title="Statistics for Spatial Data",
    year="1993",
    where=(("publisher", "Wiley"),),
)
CUBIC: Final = Citation(
    key="keys1981cubic",
    kind="article",
    authors=("Keys, Robert G.",),
    title="Cubic convolution interpolation for digital image processing",
    year="1981",
    where=(
        ("journal", "IEEE Transactions on Acoustics, Speech, and Signal Processing"),
        ("volume", "29"),
        ("pages", "1153-1160"),
        ("url", "https://doi.org/10.1109/TASSP.1981.1163711"),
    ),
)
_OWN: Final = ("stentrans", "kernel", "prior")
_BEHIND: Final = {
    **dict.fromkeys((*_OWN, "paper"), ARTICLE),
    "dist": DIST,
    "nedi": NEDI,
    "cubic": CUBIC,
    "kriging": KRIGING,
    "lowrank_kriging": KRIGING,
}
_DEVIATIONS: Final = (
    "All genes are predicted at once from factors of the section, not one image per gene, at the "
    "positions of the true lattice, with no raster, padding or shifted rows.",
    "A spatial prior (kriging of the factors, averaged over its settings by their evidence) keeps "
    "depth and composition apart and models the noise of counts.",
    "Likeness of spots, then attention, correct that prior only as far as spots that they had not "
    "seen confirm it.",
    "At measured spots the prediction is joined with what was counted there.",
    "Hidden spots take no part in gene choice, normalisation, tuning or training.",
)
_DEVIATIONS_OF: Final = {
    "stentrans": _DEVIATIONS,
    "kernel": (
        *_DEVIATIONS[:2],
        "Likeness of spots corrects that prior only as far as unseen spots confirm it; no network "
        "is trained.",
        *_DEVIATIONS[3:],
    ),
    "prior": (*_DEVIATIONS[:2], "No network is trained.", *_DEVIATIONS[3:]),
    "paper": (
        "Written anew from the article; the residual is on, where the released program overwrites "
        "it.",
        "The loss is taken at measured spots only, and off-tissue cells are told apart from zeros.",
        "Lattices are thinned along their own axes, the hexagonal one included.",
        "A position means the same place of the tissue in training and in use.",
        "Values below 0 become 0.",
    ),
}


def software() -> Citation:
    """Return the citation of this program in its version."""
    return Citation(
        key="stentrans",
        kind="misc",
        authors=("The stentrans developers",),
        title="stentrans: enhancement of spatial transcriptomics that shows whether to believe it",
        year="2026",
        where=(("version", __version__),),
    )


def citations(method: str) -> list[Citation]:
    """Return what to cite for a result of a method: this program, and what it comes from.

    The article whose idea the program follows comes second, whatever the method.
    """
    behind = _BEHIND.get(method)
    found = [software(), ARTICLE]
    return found if behind in (None, ARTICLE) else [*found, behind]


def deviations(method: str) -> tuple[str, ...]:
    """Return where a method differs from the article on stEnTrans; empty for other methods."""
    return _DEVIATIONS_OF.get(method, ())
