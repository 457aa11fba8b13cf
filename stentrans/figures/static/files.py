"""A figure that writes files the way journals and editors of vector graphics want them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from threading import RLock
from typing import Any, Final, Literal

import matplotlib as mpl
from matplotlib.figure import Figure

from stentrans import __version__
from stentrans.validate import check_option

Format = Literal["png", "svg", "pdf"]
FORMATS: Final = ("png", "svg", "pdf")
_FONTS: Final = ("Arial", "Helvetica", "Liberation Sans", "DejaVu Sans")
_SETTINGS: Final = {
    "text.usetex": False,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "stentrans",  # the same figure, the same file
    "pdf.fonttype": 42,
    "font.family": ["sans-serif"],
    "axes.linewidth": 0.5,
    "axes.unicode_minus": True,
    "savefig.bbox": None,
    "savefig.facecolor": "auto",
}
# Settings of matplotlib are shared by all threads of a process.
_LOCK = RLock()


@contextmanager
def printing() -> Iterator[None]:
    """Use our settings of matplotlib, whatever the caller's are, and give these back."""
    with _LOCK, mpl.rc_context():
        mpl.rcdefaults()
        settings: Any = _SETTINGS | {"font.sans-serif": _installed_fonts()}
        mpl.rcParams.update(settings)
        yield


class PrintFigure(Figure):
    """A figure with settings of its own; draws and saves the same whatever the caller's are."""

    title: str = ""
    about: str = ""
    """What it shows and how it was made; both are kept in every file."""

    def savefig(self, fname: Any, **options: Any) -> None:
        """Write a file, as `matplotlib.figure.Figure.savefig`; text stays text."""
        kind = options.get("format") or str(fname).rpartition(".")[2].lower()
        options.setdefault("metadata", _metadata(kind, self.title, self.about))
        options.setdefault("dpi", 300)
        with printing():
            super().savefig(fname, **options)

    def to_bytes(self, kind: Format, *, dpi: int = 300) -> bytes:
        """Return the content of a file.

        Parameters
        ----------
        kind
            ``"png"``, ``"svg"`` or ``"pdf"``.
        dpi
            Dots per inch of pixels, those within a vector file included.

        Raises
        ------
        ParameterError
            If ``kind`` is none of these.
        """
        check_option("kind", kind, FORMATS)
        buffer = BytesIO()
        self.savefig(buffer, format=kind, dpi=dpi)
        return buffer.getvalue()

    def _repr_png_(self) -> bytes:
        """Show itself in a notebook."""
        return self.to_bytes("png", dpi=150)


def _metadata(kind: str, title: str, about: str) -> dict[str, str | None]:
    """What a file says of itself; no date, so that the same figure makes the same file."""
    program = f"stentrans {__version__}"
    if kind == "png":
        return {"Software": program, "Title": title, "Description": about}
    if kind == "svg":
        return {"Creator": program, "Date": None, "Title": title, "Description": about}
    if kind == "pdf":
        return {"Creator": program, "CreationDate": None, "Title": title, "Subject": about}
    return {}


def _installed_fonts() -> list[str]:
    """Our fonts as far as this machine has them; matplotlib brings the last one along."""
    from matplotlib.font_manager import fontManager

    known = set(fontManager.get_font_names())
    return [name for name in _FONTS if name in known]
