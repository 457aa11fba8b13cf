"""What a result depends on, and the name that follows from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from stentrans.errors import StoreError

RESULT_VERSION = 4
"""Raised whenever the same section and settings give other numbers than before."""
EXPORT = "export"
"""The work that writes a file from the result of another run."""


@dataclass(frozen=True)
class Run:
    """Everything that a result depends on.

    Parameters
    ----------
    section
        Id of the section, from `section_id`.
    work
        The kind of work, a name in `stentrans.jobs.KINDS`: ``"enhance"`` for new sites,
        ``"holdout"`` for every spot predicted while hidden, and others.
    method, factor, fill_gaps, seed, device
        As in `stentrans.enhance`.
    settings
        Whatever else the result depends on, by name: settings of the method, or what another kind
        of work is told. Numbers, words, and lists of them; kept sorted, lists as tuples.
    stopped
        Where learning was stopped by the user, empty for the whole: what was there by then is the
        result of another run.
    """

    section: str
    work: str = "enhance"
    method: str = "stentrans"
    factor: int = 2
    fill_gaps: bool = True
    seed: int = 0
    device: str = "auto"
    settings: tuple[tuple[str, Any], ...] = field(default=())
    stopped: str = ""

    def __post_init__(self) -> None:
        """Bring the settings into the one form that they are compared and named in."""
        fixed = sorted((str(name), _frozen(value)) for name, value in self.settings)
        object.__setattr__(self, "settings", tuple(fixed))

    @classmethod
    def of(cls, work: str, section: str, *, seed: int = 0, **settings: Any) -> Run:
        """Return a run of a kind of work that makes no new sites.

        Parameters
        ----------
        work, section, seed
            As above.
        **settings
            What this kind of work is told. ``method`` may be among them and becomes that of the
            run; factor and gaps play no part.
        """
        method = str(settings.pop("method", ""))
        given = tuple(settings.items())
        return cls(section, work, method, factor=1, fill_gaps=False, seed=seed, settings=given)

    @property
    def id(self) -> str:
        """Sixteen bytes of the sha256 of all of it and the result version, in hex."""
        told = json.dumps([self.to_dict(), RESULT_VERSION], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:32]

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON; `from_dict` is the inverse."""
        return asdict(self)

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Run:
        """Rebuild a run from what `to_dict` gave, also after a way through JSON.

        Raises
        ------
        StoreError
            If it holds other keys than a run has, or lacks the section.
        """
        try:
            settings = tuple((str(name), value) for name, value in told.get("settings", ()))
            return cls(**{**told, "settings": settings})
        except (AttributeError, TypeError, ValueError) as error:
            raise StoreError(
                f"A stored run must be one that this version wrote; it is not ({error}). "
                "Start the run again."
            ) from error

    def export(
        self, suffix: str, *, genes: Sequence[str] | None, scale: str, layers: Sequence[str]
    ) -> Run:
        """Return the run that writes a file from this one's result; see `stentrans.export.write`.

        Parameters
        ----------
        suffix
            End of the file's name, which says the format.
        genes, scale, layers
            What is written.
        """
        told = {"source": self.id, "suffix": suffix, "genes": genes, "scale": scale}
        settings = tuple((told | {"layers": tuple(layers)}).items())
        return replace(self, work=EXPORT, settings=settings)

    def holdout(self) -> Run:
        """Return the run that tests this method on hidden spots; sites play no part in it.

        That of a run which was stopped early cannot be computed: it would have to be stopped as
        early five times over.
        """
        return replace(self, work="holdout", factor=1, fill_gaps=False)

    def whole(self) -> Run:
        """Return the run without the stop."""
        return replace(self, stopped="")


def _frozen(value: Any) -> Any:
    """Lists, also within lists, as tuples: the same after a way through JSON."""
    return tuple(_frozen(one) for one in value) if isinstance(value, list | tuple) else value
