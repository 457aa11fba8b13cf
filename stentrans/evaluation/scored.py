"""Every score of methods on one section with all its summaries, saved and loaded again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pandas as pd

from stentrans.errors import StoreError
from stentrans.evaluation.report import DEFAULT_METHODS, NULL, AnyProtocol, compare
from stentrans.evaluation.summary import NO_REFERENCE, summaries
from stentrans.export import DAMAGED
from stentrans.validate import check_option

if TYPE_CHECKING:
    from anndata import AnnData

    from stentrans.methods.base import OnProgress

_ABOUT, _SCORES = "scored.json", "scores.parquet"
_UNREADABLE: Final = (*DAMAGED, pd.errors.ParserError)


@dataclass(frozen=True, eq=False)
class Scored:
    """What `stentrans.evaluation.compare` found, and what `summarise` says of it.

    Parameters
    ----------
    scores
        Long table, as from `stentrans.evaluate`.
    summaries
        As from `summarise`, by the method that the others are compared with; "" for none.
    n_left_out
        Spots too poor to be scored.
    """

    scores: pd.DataFrame
    summaries: Mapping[str, pd.DataFrame]
    n_left_out: int

    @property
    def summary(self) -> dict[str, float]:
        """Mean depth-adjusted correlation of every method; none where nothing is hidden."""
        table = self.summaries[NO_REFERENCE]
        kept = table[table["metric"] == "depth_adjusted"]
        kept = kept[~kept[NULL].astype(bool)] if NULL in kept else kept
        return dict(zip(kept["method"], kept["mean"].astype(float), strict=True))

    def summary_against(self, reference: str | None) -> pd.DataFrame:
        """Return the summary, with differences to a method where one is named.

        Raises ParameterError if it was not scored.
        """
        if reference is not None:
            check_option("reference", reference, [name for name in self.summaries if name])
        return self.summaries[reference or NO_REFERENCE]

    def save(self, folder: str | Path) -> None:
        """Save into a new or empty folder; `load` is the inverse. Raises OSError on a full disk."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        self.scores.to_parquet(target / _SCORES, index=False)
        for number, table in enumerate(self.summaries.values()):
            table.to_csv(target / f"summary-{number}.csv", index=False)
        about = {"references": list(self.summaries), "n_left_out": self.n_left_out}
        (target / _ABOUT).write_text(json.dumps(about), encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> Scored:
        """Load what `save` wrote; raises StoreError if something is missing or damaged."""
        source = Path(folder)
        try:
            about = json.loads((source / _ABOUT).read_text(encoding="utf-8"))
            summaries = {
                name: pd.read_csv(source / f"summary-{number}.csv")
                for number, name in enumerate(about["references"])
            }
            return cls(pd.read_parquet(source / _SCORES), summaries, int(about["n_left_out"]))
        except _UNREADABLE as error:
            raise StoreError(
                f"{source} must hold complete saved scores; they could not be read ({error}). "
                "Run the evaluation again."
            ) from error


def score_methods(
    section: AnnData,
    *,
    methods: Sequence[str] = DEFAULT_METHODS,
    protocol: AnyProtocol = "thinning",
    repeats: int | None = None,
    null: bool = False,
    seed: int = 0,
    device: str = "auto",
    on_progress: OnProgress | None = None,
) -> Scored:
    """Compare methods and summarise against each of them; all as for `stentrans.evaluate`.

    Raises
    ------
    ParameterError, SectionFormatError, Cancelled
        As for `stentrans.evaluation.compare`.
    """
    comparison = compare(
        section,
        methods=methods,
        protocol=protocol,
        repeats=repeats,
        null=null,
        seed=seed,
        device=device,
        on_progress=on_progress,
    )
    return Scored(comparison.scores, summaries(comparison, seed=seed), comparison.n_left_out)
