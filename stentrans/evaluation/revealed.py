"""Hide and reveal: chosen spots predicted while hidden, and uncovered again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from stentrans.enhancement import prepare
from stentrans.errors import StoreError
from stentrans.evaluation.holdout import Fold
from stentrans.evaluation.judgement import Judgement
from stentrans.evaluation.trial import hide, judged, run_trial
from stentrans.export import DAMAGED, pack_prediction, read_arrays, unpack_prediction
from stentrans.methods import registry
from stentrans.methods.base import FitOptions, OnProgress, Progress, Scale, report
from stentrans.validate import check_names, check_option, check_seed

if TYPE_CHECKING:
    from anndata import AnnData

RIVALS: Final = ("lowrank_kriging", "linear")
REVEAL: Final = "chosen spots"
_ABOUT: Final = "revealed.json"


@dataclass(frozen=True, eq=False)
class Revealed:
    """What each method said of hidden spots, and how it scored.

    Parameters
    ----------
    genes
        Genes seen in a visible spot; the others cannot be predicted.
    target
        Median library of the visible spots, to which log values are scaled.
    folds
        Predictions at the hidden spots, by method; the chosen method first.
    judgement
        Scores per gene; means over genes seen in more than a tenth of the visible spots, with
        intervals over blocks; differences between methods.
    """

    genes: pd.Index
    target: float
    folds: Mapping[str, Fold]
    judgement: Judgement

    @property
    def hidden(self) -> NDArray[np.int64]:
        """Indices of the hidden spots among those on tissue."""
        return next(iter(self.folds.values())).hidden

    def expression(self, method: str, gene: str, scale: Scale = "log") -> NDArray[np.float32]:
        """Prediction of one gene at the hidden spots, shape ``(n_hidden,)``.

        Raises MissingKeyError for an unknown gene, ParameterError for an unknown method.
        """
        check_option("method", method, list(self.folds))
        check_names("gene", [gene], self.genes)
        fold, column = self.folds[method], np.array([self.genes.get_loc(gene)])
        return fold.decoder.decode(fold.prediction, column, scale)[:, 0]

    @property
    def summary(self) -> dict[str, float]:
        """Mean depth-adjusted correlation of every method, by name."""
        return self.judgement.summary

    def save(self, folder: str | Path) -> None:
        """Save into a new or empty folder; `load` is the inverse."""
        target = Path(folder)
        self.judgement.save(target)
        about = {"genes": list(self.genes), "target": self.target}
        write_folds(target, self.folds, about)

    @classmethod
    def load(cls, folder: str | Path) -> Revealed:
        """Load what `save` wrote; raises StoreError if something is missing or damaged."""
        told, folds = read_folds(Path(folder))
        judgement = Judgement.load(folder)
        return cls(pd.Index(told["genes"]), float(told["target"]), folds, judgement)


def reveal(
    section: AnnData,
    hidden: ArrayLike,
    *,
    method: str = "stentrans",
    rivals: Sequence[str] = RIVALS,
    settings: Mapping[str, Any] | None = None,
    seed: int = 0,
    device: str = "auto",
    on_progress: OnProgress | None = None,
) -> Revealed:
    """Hide spots, predict them, and score the predictions.

    Parameters
    ----------
    section
        As for `stentrans.enhance`; left as it was.
    hidden
        Indices among the spots on tissue, at least ten that show enough genes. They take no part
        in gene choice, scaling, tuning or training.
    method
        As for `stentrans.enhance`.
    rivals
        Methods that predict the same spots, with their own defaults.
    settings
        Settings of the method.
    seed, device, on_progress
        As for `stentrans.enhance`.

    Raises
    ------
    ParameterError
        If too few spots are hidden or visible, or a spot does not exist; else as for
        `stentrans.enhance`.
    SectionFormatError, Cancelled
        As for `stentrans.enhance`.
    """
    names = list(dict.fromkeys([method, *rivals]))
    for name in names:
        check_option("method", name, list(registry.METHODS))
    tissue, lattice = prepare(section)
    chosen = np.unique(np.asarray(hidden, np.int64))
    trial = hide(csr_matrix(tissue.X), lattice, chosen, seed=check_seed(seed))
    folds, scores = {}, {}
    for turn, name in enumerate(names):
        own = dict(settings or {}) if name == method else {}
        options = FitOptions(seed, device, own, on_progress)
        share = 0.99 / len(names)
        fitted, found = run_trial(trial, name, options, start=turn * share, share=share)
        asked = lattice.array[chosen].astype(np.float64)
        folds[name], scores[name] = Fold(chosen, fitted.predict(asked), fitted.decoder), [found]
    report(on_progress, Progress("done", 1.0))
    return Revealed(
        genes=tissue.var_names[trial.hold_out.genes],
        target=trial.hold_out.target,
        folds=folds,
        judgement=judged([trial], scores, tissue.var_names, protocol=REVEAL, seed=seed),
    )


def write_folds(target: Path, folds: Mapping[str, Fold], about: Mapping[str, Any]) -> None:
    """Write predictions by method, and what else is to be known of them.

    Parameters
    ----------
    target
        An existing folder.
    folds
        By method.
    about
        Ready for JSON.

    Raises
    ------
    StoreError
        If the folder cannot be written.
    """
    told = {**about, "decoders": {name: fold.decoder.kind for name, fold in folds.items()}}
    try:
        for i, fold in enumerate(folds.values()):
            arrays = pack_prediction(fold.prediction, fold.decoder) | {"hidden": fold.hidden}
            np.savez(target / f"fold-{i}.npz", **arrays)  # type: ignore[arg-type]
        (target / _ABOUT).write_text(json.dumps(told), encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"The predictions could not be saved in {target} ({error.strerror or error}). Choose "
            "another folder or free some space."
        ) from error


def read_folds(source: Path) -> tuple[dict[str, Any], dict[str, Fold]]:
    """Read what `write_folds` wrote; raises StoreError if something is missing or damaged."""
    try:
        told = json.loads((source / _ABOUT).read_text(encoding="utf-8"))
        folds = {}
        for i, (name, kind) in enumerate(told["decoders"].items()):
            arrays = read_arrays(source / f"fold-{i}.npz")
            folds[name] = Fold(arrays["hidden"], *unpack_prediction(kind, arrays))
    except DAMAGED as error:
        raise StoreError(
            f"{source} must hold complete saved predictions; they could not be read ({error}). "
            "Run it again."
        ) from error
    return told, folds
