"""Every spot predicted while it was hidden: the honest map beside the enhanced one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stentrans.enhancement import prepare
from stentrans.errors import StoreError
from stentrans.evaluation import metrics
from stentrans.evaluation.ceiling import noise_ceiling
from stentrans.evaluation.parts import part_of
from stentrans.evaluation.preparation import chunks_of, lattice_of_kept
from stentrans.evaluation.protocols import N_FOLDS, scattered_folds
from stentrans.export import DAMAGED, pack_prediction, read_arrays, unpack_prediction
from stentrans.lattice import Lattice
from stentrans.methods import registry
from stentrans.methods.base import (
    Decoder,
    FitOptions,
    OnProgress,
    Prediction,
    Progress,
    Scale,
    report,
)
from stentrans.methods.progress import pulse
from stentrans.preprocess import detected_share, library_size, median_library
from stentrans.validate import check_names, check_seed

if TYPE_CHECKING:
    from anndata import AnnData

RIVALS = ("lowrank_kriging", "cubic", "linear", "nearest")
_SCORED_SHARE = 0.1
_ABOUT_FILE, _SCORES_FILE = "held_out.json", "scores.csv"


@dataclass(frozen=True)
class Fold:
    """Predictions of one method at the spots of one fold.

    Parameters
    ----------
    hidden
        The spots, indices.
    prediction, decoder
        Factors there and their decoder.
    """

    hidden: NDArray[np.int64]
    prediction: Prediction
    decoder: Decoder


class HeldOut:
    """Predictions of every measured spot, each made without that spot.

    Parameters
    ----------
    genes
        Gene names.
    folds
        Disjoint, together all spots on tissue.
    scores
        Per gene (index ``gene``): ``pearson`` of predicted against measured log values over all
        spots, ``pearson_<rival>`` of the rivals on the same folds, ``depth_adjusted``, ``ceiling``
        (what counting noise allows) and ``detected_share``.
    """

    def __init__(self, genes: pd.Index, folds: Sequence[Fold], scores: pd.DataFrame) -> None:
        self.genes, self.folds, self.scores = genes, folds, scores

    @property
    def summary(self) -> dict[str, float]:
        """Means over the genes seen in more than a tenth of the spots, and their number."""
        usual = self.scores[self.scores["detected_share"] > _SCORED_SHARE]
        return {"genes": float(len(usual))} | {
            str(name): float(value) for name, value in usual.mean().items()
        }

    def expression(self, genes: str | Sequence[str], scale: Scale = "log") -> NDArray[np.float32]:
        """Prediction of each spot while it was hidden, shape ``(n_spots, n_genes_asked)``.

        Raises MissingKeyError for unknown genes.
        """
        names = [genes] if isinstance(genes, str) else list(genes)
        check_names("gene", names, self.genes)
        return self.values(self.genes.get_indexer(pd.Index(names)).astype(np.int64), scale)

    def values(self, genes: NDArray[np.int64], scale: Scale = "log") -> NDArray[np.float32]:
        """Return `expression` of genes given by their place in ``genes``."""
        return _joined(self.folds, genes, scale)

    def save(self, folder: str | Path) -> None:
        """Save into a new or empty folder; `load` is the inverse."""
        target = Path(folder)
        about = {"genes": list(self.genes), "decoders": [fold.decoder.kind for fold in self.folds]}
        try:
            target.mkdir(parents=True, exist_ok=True)
            for i, fold in enumerate(self.folds):
                arrays = pack_prediction(fold.prediction, fold.decoder) | {"hidden": fold.hidden}
                np.savez(target / f"fold-{i}.npz", **arrays)  # type: ignore[arg-type]
            self.scores.to_csv(target / _SCORES_FILE)
            (target / _ABOUT_FILE).write_text(json.dumps(about), encoding="utf-8")
        except OSError as error:
            raise StoreError(
                f"The hold-out could not be saved in {target} ({error.strerror or error}). Choose "
                "another folder or free some space."
            ) from error

    @classmethod
    def load(cls, folder: str | Path) -> HeldOut:
        """Load what `save` wrote; raises StoreError if something is missing or damaged."""
        source = Path(folder)
        try:
            about = json.loads((source / _ABOUT_FILE).read_text(encoding="utf-8"))
            folds = []
            for i, kind in enumerate(about["decoders"]):
                arrays = read_arrays(source / f"fold-{i}.npz")
                folds.append(Fold(arrays["hidden"], *unpack_prediction(kind, arrays)))
            # A gene named "NA" is a gene, not a missing value.
            scores = pd.read_csv(source / _SCORES_FILE, keep_default_na=False, dtype={"gene": str})
            return cls(pd.Index(about["genes"]), folds, scores.set_index("gene"))
        except DAMAGED as error:
            raise StoreError(
                f"{source} must hold a complete saved hold-out; it could not be read ({error}). "
                "Run it again."
            ) from error


def hidden_folds(
    section: AnnData,
    *,
    method: str = "stentrans",
    seed: int = 0,
    device: str = "auto",
    on_progress: OnProgress | None = None,
    **settings: Any,
) -> HeldOut:
    """Predict every spot on tissue from the other four fifths of the section.

    Parameters
    ----------
    section
        As for `stentrans.enhance`; left as it was.
    method, seed, device, on_progress
        As for `stentrans.enhance`.
    **settings
        Settings of the method; its rivals keep their own.

    Returns
    -------
    held_out
        Predictions and, per gene, scores beside linear, nearest and low-rank kriging.

    Raises
    ------
    SectionFormatError, ParameterError, Cancelled
        As for `stentrans.enhance`.
    """
    rng = np.random.default_rng(check_seed(seed))
    tissue, lattice = prepare(section)
    fold_of = scattered_folds(tissue.n_obs, rng)
    names = [method, *(rival for rival in RIVALS if rival != method)]
    folds: dict[str, list[Fold]] = {name: [] for name in names}
    for i in range(N_FOLDS):
        title, share = f"hidden fifth {i + 1} of {N_FOLDS}", 0.95 / N_FOLDS
        inner = part_of(on_progress, title, start=i * share, share=share)
        for name in names:
            options = FitOptions(seed=seed, device=device)
            if name == method:
                options = replace(options, settings=settings, on_progress=inner)
            folds[name].append(_fold(tissue.X, lattice, fold_of == i, name, options))
    report(on_progress, Progress("scoring", 0.97))
    scores = _scores(tissue.X, folds, method, rng)
    scores.index = pd.Index(tissue.var_names, name="gene")
    report(on_progress, Progress("done", 1.0))
    return HeldOut(tissue.var_names.copy(), folds[method], scores)


def _fold(
    counts: csr_matrix,
    lattice: Lattice,
    is_hidden: NDArray[np.bool_],
    name: str,
    options: FitOptions,
) -> Fold:
    """Fit on the visible spots and predict the hidden ones."""
    kept, hidden = np.flatnonzero(~is_hidden), np.flatnonzero(is_hidden)
    fitted = registry.load(name).fit(counts[kept], lattice_of_kept(lattice, kept), options)
    asked = lattice.array[hidden].astype(np.float64)
    return Fold(hidden, fitted.predict(asked), fitted.decoder)


def _joined(folds: Sequence[Fold], genes: NDArray[np.int64], scale: Scale) -> NDArray[np.float32]:
    """Values of all folds in the order of the spots."""
    n_spots = sum(len(fold.hidden) for fold in folds)
    values = np.empty((n_spots, len(genes)), np.float32)
    for fold in folds:
        values[fold.hidden] = fold.decoder.decode(fold.prediction, genes, scale)
    return values


def _scores(
    counts: csr_matrix, folds: dict[str, list[Fold]], method: str, rng: np.random.Generator
) -> pd.DataFrame:
    """Scores per gene, chunk by chunk, so that no spots x genes matrix is ever whole."""
    library, target = library_size(counts), median_library(counts)
    by_gene, n_genes = counts.tocsc(), counts.shape[1]
    fold_of_spot = np.empty(len(library), np.int64)
    for i, fold in enumerate(folds[method]):
        fold_of_spot[fold.hidden] = i
    # Mean composition of what each fold was shown: of all spots but its own.
    hidden = [np.asarray(counts[fold.hidden].sum(0)).ravel() for fold in folds[method]]
    seen = np.sum(hidden, axis=0, dtype=np.float64) - np.array(hidden, np.float64)
    seen_total = seen.sum(1)
    sizes = [fold.decoder.genes_at_once for parts in folds.values() for fold in parts]
    chunks = list(chunks_of(n_genes, min([size for size in sizes if size], default=None)))
    predicted = np.zeros(len(library))
    for genes in chunks:
        pulse()
        predicted += _joined(folds[method], genes, "counts").sum(1)
    predicted = np.maximum(predicted, 1e-12)
    tables = []
    for genes in chunks:
        pulse()
        dense = by_gene[:, genes].toarray()
        truth = metrics.log_normalised(dense, library, target)
        table = {}
        for name, parts in folds.items():
            column = "pearson" if name == method else f"pearson_{name}"
            table[column] = metrics.pearson(_joined(parts, genes, "log"), truth)
        share = _joined(folds[method], genes, "counts") / predicted[:, None]
        null = seen[:, genes] / seen_total[:, None]
        table["depth_adjusted"] = metrics.depth_adjusted(dense, library, share, null[fold_of_spot])
        table["ceiling"] = noise_ceiling(dense, library, target, rng)
        tables.append(pd.DataFrame(table))
    scores = pd.concat(tables, ignore_index=True)
    scores["detected_share"] = detected_share(counts)
    return scores
