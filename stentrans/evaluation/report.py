"""Methods side by side on hidden spots, as one long table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stentrans.enhancement import DEVICES
from stentrans.errors import ParameterError
from stentrans.evaluation.bootstrap import N_BLOCKS, spatial_blocks
from stentrans.evaluation.parts import part_of
from stentrans.evaluation.preparation import prepare_hold_out, without_poor_spots
from stentrans.evaluation.protocols import (
    DEFAULT_REPEATS,
    PROTOCOLS,
    Protocol,
    hidden_masks,
    splits,
)
from stentrans.evaluation.published import PUBLISHED, score_published
from stentrans.evaluation.scoring import Scores, score
from stentrans.methods import registry
from stentrans.methods.base import FitOptions, OnProgress, Progress, report
from stentrans.validate import check_integer, check_option, check_seed

if TYPE_CHECKING:
    from anndata import AnnData
    from scipy.sparse import csr_matrix

    from stentrans.lattice import Lattice

DEFAULT_METHODS = ("stentrans", "prior", "lowrank_kriging", "linear", "nearest")
ALL_GENES = "all genes"
COLUMNS = ("method", "protocol", "repeat", "gene", "metric", "value")
NULL = "null"
_FIT_SHARE = 0.8  # of the progress of one method on one hold-out; the rest is scoring
_NO_NULL = {
    "counts": (
        "counts hides half of the counts of every spot, but no spot, and a method rightly shows "
        "at a place the counts that it is given there"
    ),
    PUBLISHED: "published hides nothing",
}

AnyProtocol = Protocol | Literal["published"]


@dataclass(frozen=True, eq=False)
class Run:
    """One method on one hold-out.

    Parameters
    ----------
    method, repeat
        Which.
    null
        Whether the kept spots had been permuted.
    genes
        Scored genes, indices.
    scores
        What it scored there.
    """

    method: str
    repeat: int
    null: bool
    genes: NDArray[np.int64]
    scores: Scores


@dataclass(frozen=True, eq=False)
class Comparison:
    """Scores of methods on one section, with what their intervals are made of.

    Parameters
    ----------
    scores
        Long table, see `evaluate`.
    runs
        Every method on every hold-out.
    n_left_out
        Spots on tissue that show too few genes to be scored.
    """

    scores: pd.DataFrame
    runs: tuple[Run, ...]
    n_left_out: int = 0


def evaluate(
    section: AnnData,
    *,
    methods: Sequence[str] = DEFAULT_METHODS,
    protocol: AnyProtocol = "thinning",
    repeats: int | None = None,
    null: bool = False,
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
        ``"thinning"``, ``"scattered"``, ``"holes"`` or ``"counts"``: strict hold-outs. Apart from
        them, ``"published"`` trains and scores on the same pair, measured spots included; it
        rewards memory and says nothing about unseen spots.
    repeats
        Hold-outs; None: four phases, five fifths, five holes, two halvings; published has one.
    null
        Also score each hold-out with the kept spots at each other's positions, where there is no
        pattern to find. Adds a column ``null`` before ``gene``. Not for ``"counts"`` and
        ``"published"``, which show every spot that they score.
    seed
        Draws what is hidden and seeds the methods.

    Returns
    -------
    scores
        Long: method, protocol, repeat, gene, metric, value.

    Raises
    ------
    ParameterError
        For an unknown method or protocol, a method named twice, too many repeats, or a null of a
        protocol that hides no spots.
    SectionFormatError
        If the section is not usable.

    Notes
    -----
    Spots that show fewer than 20 genes are left out. Gene choice (seen in more than a tenth of
    the kept spots), scaling and everything the method learns come from the kept spots alone.

    Metrics per gene: ``log_normalised`` and ``depth_adjusted`` correlation; ``spearman``,
    ``rmse`` and ``ssim`` of log values (structural similarity of the maps of hidden spots, local
    windows of 1.5 spacings); ``morans_i`` of the prediction and ``morans_i_true`` of the measured
    values; ``gene_deviance_explained``; ``coverage_50``, ``_80`` and ``_95`` of the intervals;
    ``ceiling``, the correlation that counting noise allows. Mind that ``ssim`` also rewards noise
    like that of the measured map, and that a ``morans_i`` above the true one is smoothing.

    Metrics under the gene ``"all genes"``: ``deviance_explained``, 0 for a method that knows
    nothing beyond the mean composition and negative for one that is worse than that;
    ``profile``, mean over hidden spots of the correlation over genes of predicted and measured
    log values, each gene's mean over the kept spots taken away; ``coverage_50``, ``_80`` and
    ``_95`` over all values; ``composition_variance``, variance over hidden sites of the predicted
    log composition, genes weighted by their share, which should vanish in the null.

    The published protocol has one metric, ``published_pearson`` per gene.
    """
    return compare(
        section, methods=methods, protocol=protocol, repeats=repeats, null=null, seed=seed
    ).scores


def compare(
    section: AnnData,
    *,
    methods: Sequence[str] = DEFAULT_METHODS,
    protocol: AnyProtocol = "thinning",
    repeats: int | None = None,
    null: bool = False,
    n_blocks: int = N_BLOCKS,
    seed: int = 0,
    device: str = "auto",
    on_progress: OnProgress | None = None,
) -> Comparison:
    """Score methods as `evaluate` does, and keep what `summarise` needs for its intervals.

    Parameters
    ----------
    section, methods, protocol, repeats, null
        As for `evaluate`.
    n_blocks
        Compact blocks that the hidden spots of the section are parted into.
    seed
        As for `evaluate`.
    device, on_progress
        As for `stentrans.enhance`.

    Raises
    ------
    ParameterError, SectionFormatError
        As for `evaluate`.
    Cancelled
        If ``on_progress`` returned False.
    """
    plan = _Plan(
        methods,
        protocol,
        _checked(methods, protocol, repeats, null=null),
        (False, True) if null else (False,),
        check_integer("n_blocks", n_blocks, low=1),
        FitOptions(seed=check_seed(seed), device=device, on_progress=on_progress),
    )
    check_option("device", device, DEVICES)
    tissue, lattice, n_left_out = without_poor_spots(section)
    score_all = _published if protocol == PUBLISHED else _strict
    runs = tuple(score_all(tissue.X, lattice, plan))
    report(on_progress, Progress("done", 1.0))
    return comparison_of(runs, tissue.var_names, protocol, n_left_out=n_left_out)


def comparison_of(
    runs: Sequence[Run], names: pd.Index, protocol: str, *, n_left_out: int = 0
) -> Comparison:
    """Put runs into one table.

    Parameters
    ----------
    runs
        Every method on every hold-out; those of a null among them add its column.
    names
        Gene names that the runs index.
    protocol
        What to call what was hidden.
    n_left_out
        Spots too poor to be scored.
    """
    tables = [_table(run, names).assign(protocol=protocol) for run in runs]
    has_null = any(run.null for run in runs)
    columns = [*COLUMNS[:3], NULL, *COLUMNS[3:]] if has_null else list(COLUMNS)
    scores = pd.concat(tables, ignore_index=True)[columns]
    return Comparison(scores, tuple(runs), n_left_out)


@dataclass(frozen=True)
class _Plan:
    """What is scored and how often."""

    methods: Sequence[str]
    protocol: AnyProtocol
    repeats: int
    kinds: tuple[bool, ...]
    n_blocks: int
    options: FitOptions

    def options_of(self, title: str, turn: int) -> FitOptions:
        """Options of one fit, which reports its progress as a part of all."""
        return replace(self.options, on_progress=self._told(title, turn, 0, _FIT_SHARE))

    def while_scoring(self, title: str, turn: int) -> OnProgress:
        """Listen to the scoring that follows that fit."""
        return self._told(title, turn, _FIT_SHARE, 1 - _FIT_SHARE)

    def _told(self, title: str, turn: int, start: float, share: float) -> OnProgress:
        """Listen to a part of one turn."""
        whole = 0.99 / (len(self.methods) * self.repeats * len(self.kinds))
        return part_of(
            self.options.on_progress, title, start=(turn + start) * whole, share=share * whole
        )


def _checked(methods: Sequence[str], protocol: str, repeats: int | None, *, null: bool) -> int:
    """Refuse what cannot be scored; return the number of repeats."""
    if not methods:
        raise ParameterError("At least one method must be named; none is.")
    for name in methods:
        check_option("method", name, list(registry.METHODS))
        if methods.count(name) > 1:
            raise ParameterError(
                f"Every method must be named once; {name} is named {methods.count(name)} times."
            )
    check_option("protocol", protocol, [*PROTOCOLS, PUBLISHED])
    if null and protocol in _NO_NULL:
        raise ParameterError(
            f"A null must belong to a protocol that hides spots; {_NO_NULL[protocol]}. "
            "Choose thinning, scattered or holes."
        )
    if protocol == PUBLISHED:
        if repeats not in (None, 1):
            raise ParameterError(
                "repeats must be 1 for the published protocol, which has one repeat because it "
                f"hides nothing that could be hidden anew; got {repeats}."
            )
        return 1
    return check_integer(
        "repeats", DEFAULT_REPEATS[protocol] if repeats is None else repeats, low=1
    )


def _strict(counts: csr_matrix, lattice: Lattice, plan: _Plan) -> Iterator[Run]:
    """Fit and score every method on every hold-out, and on its permutation where wanted."""
    protocol, seed = cast(Protocol, plan.protocol), plan.options.seed
    masks = hidden_masks(lattice, protocol, plan.repeats, seed)
    block = _blocks(lattice, np.any(masks, axis=0), plan.n_blocks)
    turns = count()
    for repeat, split in enumerate(splits(counts, lattice, protocol, plan.repeats, seed)):
        real = prepare_hold_out(split, lattice, block=block, seed=seed)
        for is_null in plan.kinds:
            rng = np.random.default_rng([seed, repeat])  # another permutation for every repeat
            shown = real.permuted(rng) if is_null else real
            for name in plan.methods:
                title = f"{name}, hold-out {repeat + 1}{', permuted' if is_null else ''}"
                turn = next(turns)
                options = plan.options_of(title, turn)
                fitted = registry.load(name).fit(shown.seen, shown.shown, options)
                scores = score(fitted, shown, on_progress=plan.while_scoring(title, turn))
                yield Run(name, repeat, is_null, shown.genes, scores)


def _published(counts: csr_matrix, lattice: Lattice, plan: _Plan) -> Iterator[Run]:
    """Fit and score every method as published."""
    for turn, name in enumerate(plan.methods):
        options = plan.options_of(name, turn)
        genes, scores = score_published(name, counts, lattice, options=options)
        yield Run(name, 0, False, genes, scores)


def _blocks(lattice: Lattice, is_scored: NDArray[np.bool_], n_blocks: int) -> NDArray[np.int64]:
    """Spatial block of every spot that is scored in some repeat; the others are in none, -1.

    The same for all repeats, which may score the same spots again.
    """
    block = np.full(lattice.n_spots, -1, np.int64)
    plane = lattice.plane(lattice.array[is_scored])
    block[is_scored] = spatial_blocks(plane, n_blocks)
    return block


def _table(run: Run, names: pd.Index) -> pd.DataFrame:
    """Long table of one run."""
    of_section = run.scores.of_section
    genes = names[run.genes]
    rows = [
        pd.DataFrame({"gene": genes, "metric": metric, "value": value})
        for metric, value in run.scores.per_gene.items()
    ]
    rows.append(
        pd.DataFrame({"gene": ALL_GENES, "metric": list(of_section), "value": of_section.values()})
    )
    table = pd.concat([part for part in rows if len(part)], ignore_index=True)
    return table.assign(method=run.method, repeat=run.repeat, null=run.null)
