"""What a user decides about a file that the file itself leaves open."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, Literal

from anndata import AnnData

from stentrans.errors import ParameterError
from stentrans.keys import STENTRANS
from stentrans.validate import check_option

FirstNumber = Literal["row", "column"]
FIRST_NUMBERS: Final = ("row", "column")
TURNS: Final = (0, 90, 180, 270)
READ_OPTIONS: Final = "read_options"
"""Below ``uns["stentrans"]``: JSON of the options that were not left to the reader."""


@dataclass(frozen=True)
class ReadOptions:
    """The options of `stentrans.read`; None leaves the decision to the reader.

    Parameters
    ----------
    library
        Which section, where a file or folder holds several; which bins of Visium HD.
    counts
        Where the counts of an AnnData are: ``"X"``, ``"raw.X"`` or the name of a layer.
    first_number
        What the first number of a spot named like ``10x13`` is: ``"row"`` or ``"column"``.
    rotate
        Degrees by which picture and positions are turned clockwise: 0, 90, 180 or 270.
    flip
        Whether they are mirrored, left to right, after turning.
    """

    library: str | None = None
    counts: str | None = None
    first_number: FirstNumber | None = None
    rotate: int | None = None
    flip: bool | None = None

    def __post_init__(self) -> None:
        """Raise ParameterError for a value that no file could have."""
        for name in ("library", "counts"):
            given = getattr(self, name)
            if given is not None and not isinstance(given, str):
                raise ParameterError(f"{name} must be a name or None; got {given!r}.")
        if self.first_number is not None:
            check_option("first_number", self.first_number, FIRST_NUMBERS)
        if self.rotate is not None:
            check_option("rotate", self.rotate, TURNS)
        if self.flip is not None:
            check_option("flip", self.flip, (True, False))

    @property
    def is_turned(self) -> bool:
        """Whether picture and positions are turned or mirrored."""
        return bool(self.rotate or self.flip)

    def choosing(self, option: str, choice: str) -> ReadOptions:
        """Return these options with one of them, by name, set to another choice."""
        changed: dict[str, Any] = {option: choice}
        return replace(self, **changed)

    def turned(self) -> ReadOptions:
        """Return these options with what is seen now turned by another 90° clockwise."""
        # Turning a mirror image clockwise turns its original the other way.
        step = -90 if self.flip else 90
        return replace(self, rotate=((self.rotate or 0) + step) % 360 or None)

    def flipped(self) -> ReadOptions:
        """Return these options with what is seen now mirrored, left to right."""
        return replace(self, flip=None if self.flip else True)

    def given(self) -> dict[str, Any]:
        """Return the options that were not left to the reader, by name, ready for JSON."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> ReadOptions:
        """Return options from what `given` told; names of other versions are left out."""
        known = {one.name for one in fields(cls)}
        return cls(**{name: value for name, value in told.items() if name in known})


def options_of(adata: AnnData) -> ReadOptions:
    """Return the options a section was read with; all None where none are kept with it."""
    ours = adata.uns.get(STENTRANS)
    text = ours.get(READ_OPTIONS) if hasattr(ours, "get") else None
    try:
        return ReadOptions.from_dict(json.loads(str(text))) if text else ReadOptions()
    except (ValueError, TypeError, AttributeError):
        # Written by someone else under our key: not worth refusing a section for.
        return ReadOptions()


def keep_options(adata: AnnData, options: ReadOptions) -> None:
    """Write into ``adata.uns``, in place, which options were not left to the reader."""
    if options.given():
        adata.uns[STENTRANS][READ_OPTIONS] = json.dumps(options.given(), sort_keys=True)
