"""Methods side by side on hidden spots, as one long table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stentrans.enhancement import prepare
from stentrans.errors import ParameterError
from stentrans.evaluation import metrics
from stentrans.evaluation.ceiling import noise_ceiling
from stentrans.evaluation.protocols import DEFAULT_REPEATS, PROTOCOLS, Protocol, Split, splits
from stentrans.lattice import Lattice, fit_lattice
from stentrans.methods import registry
from stentrans.methods.base import FitOptions
from stentrans.preprocess import keep_genes, library_size, median_library
from stentrans.section.check import MIN_SPOTS
from stentrans.validate import check_integer, check_option, check_seed

if TYPE_CHECKING:
    from anndata import AnnData

DEFAULT_METHODS = ("stentrans", "prior", "lowrank_kriging", "linear", "nearest")
MIN_SHARE = 0.1
ALL_GENES = "all genes"
_NULL_MIXED_IN = 0.01  # so that a predicted zero costs much but not everything


def evaluate(
    section: AnnData,
    *,
    methods: Sequence[str] = DEFAULT_METHODS,
    protocol: Protocol = "thinning",
    repeats: int | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Score methods on spots that they never saw.

    Parameters
    ----------
    section
        As for `stentrans.enhance`; left as it was.
    methods
        Names in ``stentrans.METHODS``.
    protocol
        ``"thinning"``, ``"scattered"``, ``"holes"`` or ``"counts"``.
    repeats
        Hold-outs; None: four phases, five fifths, five holes or two halvings.
    seed
        Draws what is hidden and seeds the methods.

    Returns
    -------
    scores
        Long: method, protocol, repeat, gene, metric, value. Metrics per gene are
        ``log_normalised`` and ``depth_adjusted`` correlation, ``rmse``, ``coverage_80`` and
        ``ceiling``; ``deviance_explained`` is one number under the gene ``"all genes"``.

    Raises
    ------
    ParameterError
        For an unknown method or protocol, or too many repeats.
    SectionFormatError
        If the section is not usable.

    Notes
    -----
    Gene choice (seen in more than a tenth of the kept spots), scaling and everything the method
    learns come from the kept spots alone. Deviance explained is 0 for a method that knows nothing
    beyond the mean composition and negative for one that is worse than that.
    """
    if not methods:
        raise ParameterError("At least one method must be named; none is.")
    for name in methods:
        check_option("method", name, list(registry.METHODS))
    check_seed(seed)
    check_option("protocol", protocol, list(PROTOCOLS))
    repeats = DEFAULT_REPEATS[protocol] if repeats is None else repeats
    check_integer("repeats", repeats, low=1)
    tissue, lattice = prepare(section)
    tables = []
    for repeat, split in enumerate(splits(tissue.X, lattice, protocol, repeats, seed)):
        chosen = _strict(split, seed)
        for name in methods:
            table = _score(name, chosen, lattice, seed, np.flatnonzero(chosen.scored))
            table["gene"] = pd.Index([*tissue.var_names[chosen.scored], ALL_GENES])[table["gene"]]
            tables.append(table.assign(method=name, protocol=protocol, repeat=repeat))
    scores = pd.concat(tables, ignore_index=True)
    return scores[["method", "protocol", "repeat", "gene", "metric", "value"]]


class _Strict:
    """One split with everything that may be computed before a method runs."""

    def __init__(self, split: Split, scored: NDArray[np.bool_], seed: int) -> None:
        self.kept, self.hidden, self.scored = split.kept, split.hidden, scored
        self.seen, self.truth = split.seen[:, scored], split.truth[:, scored].toarray()
        self.library = library_size(self.truth)
        self.target = median_library(self.seen)
        total = np.asarray(self.seen.sum(0), np.float64).ravel()
        self.null = total / total.sum()
        rng = np.random.default_rng(seed)
        self.ceiling = noise_ceiling(self.truth, self.library, self.target, rng)


def _strict(split: Split, seed: int) -> _Strict:
    """Choose the genes by the kept spots; refuse a split that keeps too little."""
    scored = keep_genes(split.seen, MIN_SHARE)
    if len(split.kept) < MIN_SPOTS or not scored.any():
        raise ParameterError(
            f"A hold-out must keep at least {MIN_SPOTS} spots and one gene seen in more than "
            f"{MIN_SHARE:.0%} of them; this one keeps {len(split.kept)} spots and "
            f"{int(scored.sum())} such genes. Use a protocol that hides less."
        )
    return _Strict(split, scored, seed)


def _score(
    name: str, strict: _Strict, lattice: Lattice, seed: int, genes: NDArray[np.int64]
) -> pd.DataFrame:
    """Fit one method on the kept spots and score it at the hidden ones."""
    shown = fit_lattice(lattice.array[strict.kept], _pixels(lattice, strict.kept))
    fitted = registry.load(name).fit(strict.seen, shown, FitOptions(seed=seed))
    prediction = fitted.predict(lattice.array[strict.hidden].astype(np.float64))
    columns = np.arange(len(genes))
    mean = fitted.decoder.decode(prediction, columns, "log")
    sd = fitted.decoder.sd(prediction, columns)
    share = fitted.decoder.decode(prediction, columns, "counts").astype(np.float64)
    share /= np.maximum(share.sum(1, keepdims=True), 1e-12)
    truth = metrics.log_normalised(strict.truth, strict.library, strict.target)
    per_gene = {
        "log_normalised": metrics.pearson(mean, truth),
        "depth_adjusted": metrics.depth_adjusted(strict.truth, strict.library, share, strict.null),
        "rmse": metrics.root_mean_squared_error(mean, truth),
        "coverage_80": metrics.coverage(mean, sd, truth, 1.282),
        "ceiling": strict.ceiling,
    }
    rows = [
        pd.DataFrame({"gene": columns, "metric": metric, "value": value})
        for metric, value in per_gene.items()
    ]
    explained = deviance_explained(strict.truth, strict.library, share, strict.null)
    rows.append(
        pd.DataFrame(
            {"gene": [len(columns)], "metric": ["deviance_explained"], "value": [explained]}
        )
    )
    return pd.concat(rows, ignore_index=True)


def deviance_explained(
    counts: NDArray[np.floating],
    library: NDArray[np.float64],
    share: NDArray[np.float64],
    null: NDArray[np.float64],
) -> float:
    """Share of the Poisson deviance that a predicted composition explains over the mean one."""
    mixed = (1 - _NULL_MIXED_IN) * share + _NULL_MIXED_IN * null
    left = metrics.poisson_deviance(counts, library, mixed).sum()
    flat = np.broadcast_to(null, counts.shape)
    return float(1 - left / metrics.poisson_deviance(counts, library, flat).sum())


def _pixels(lattice: Lattice, kept: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """Pixels of the kept spots, so that they are laid out as the whole section is."""
    if lattice.to_pixels is None:
        return None
    return lattice.to_pixels(lattice.array[kept].astype(np.float64))
