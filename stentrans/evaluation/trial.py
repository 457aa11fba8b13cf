"""Chosen spots hidden once: fit on the others, score on these, for any number of methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stentrans.errors import ParameterError
from stentrans.evaluation.bootstrap import N_BLOCKS, BlockSums, spatial_blocks
from stentrans.evaluation.judgement import Judgement, differences_of, means_of, score_cube
from stentrans.evaluation.parts import part_of
from stentrans.evaluation.preparation import HoldOut, is_rich, prepare_hold_out, scored_genes
from stentrans.evaluation.protocols import Split
from stentrans.evaluation.report import Run, comparison_of
from stentrans.evaluation.scoring import Scores, score
from stentrans.lattice import Lattice
from stentrans.methods import registry
from stentrans.methods.base import FitOptions, Fitted

FEWEST: Final = 10
"""Hidden spots below which a correlation is not worth a word."""
_SPOTS_PER_BLOCK: Final = 3
_FIT_SHARE: Final = 0.8


@dataclass(frozen=True, eq=False)
class Trial:
    """Spots hidden once.

    Parameters
    ----------
    hold_out
        What methods are shown and asked, over every gene seen in a visible spot.
    is_usual
        Which of its genes are seen in more than a tenth of the visible spots; only they count in
        means.
    n_poor
        Hidden spots that show too few genes to be scored.
    """

    hold_out: HoldOut
    is_usual: NDArray[np.bool_]
    n_poor: int


def hide(
    counts: csr_matrix, lattice: Lattice, hidden: NDArray[np.int64], *, seed: int = 0
) -> Trial:
    """Hide spots; everything that is chosen or scaled comes from the others.

    Parameters
    ----------
    counts
        Of all spots on tissue, CSR; left as it was.
    lattice
        Where they lie.
    hidden
        Indices of the spots to hide, each once. Those too poor to be scored are hidden all the
        same.
    seed
        Draws the halves for the noise ceiling.

    Raises
    ------
    ParameterError
        If fewer than ten spots remain to be scored, too few are visible, or a spot does not exist.
    """
    n_spots = counts.shape[0]
    if len(hidden) and (hidden.min() < 0 or hidden.max() >= n_spots):
        raise ParameterError(
            f"Hidden spots must be among the {n_spots} on tissue, counted from 0; got "
            f"{hidden.min()} to {hidden.max()}."
        )
    rich = is_rich(counts)[hidden]
    scored = hidden[rich]
    if len(scored) < FEWEST:
        poor = f" ({len(hidden) - len(scored)} more show too few genes)" if not rich.all() else ""
        raise ParameterError(
            f"At least {FEWEST} spots must be hidden, because a correlation over fewer says "
            f"nothing; got {len(scored)}{poor}. Choose a larger area."
        )
    kept = np.setdiff1d(np.arange(n_spots), hidden)
    split = Split(counts[kept], kept, scored, counts[scored])
    usual = scored_genes(split.seen)
    block = np.full(n_spots, -1, np.int64)
    n_blocks = min(N_BLOCKS, len(scored) // _SPOTS_PER_BLOCK)
    block[scored] = spatial_blocks(lattice.plane(lattice.array[scored]), n_blocks)
    hold_out = prepare_hold_out(split, lattice, block=block, seed=seed, every_gene=True)
    return Trial(hold_out, np.isin(hold_out.genes, usual), len(hidden) - len(scored))


def run_trial(
    trial: Trial, name: str, options: FitOptions, *, start: float, share: float
) -> tuple[Fitted, Scores]:
    """Fit a method on the visible spots and score it on the hidden ones.

    Parameters
    ----------
    trial
        What is hidden.
    name
        Of the method.
    options
        Passed to it; its listener hears of this trial as a part of all.
    start, share
        Where on the whole way this trial starts, and which share of the way it is.

    Raises
    ------
    ParameterError, Cancelled
        As for `stentrans.enhance`.
    """
    told, fitting = options.on_progress, share * _FIT_SHARE
    listen = part_of(told, name, start=start, share=fitting)
    seen, shown = trial.hold_out.seen, trial.hold_out.shown
    fitted = registry.load(name).fit(seen, shown, replace(options, on_progress=listen))
    listen = part_of(told, name, start=start + fitting, share=share - fitting)
    return fitted, score(fitted, trial.hold_out, on_progress=listen)


def judged(
    trials: Sequence[Trial],
    scores: Mapping[str, Sequence[Scores]],
    names: pd.Index,
    *,
    protocol: str,
    seed: int,
) -> Judgement:
    """Put the scores of several methods on several trials together.

    Parameters
    ----------
    trials
        One per repeat.
    scores
        By method, one per trial.
    names
        Genes of the section.
    protocol
        What to call what was hidden.
    seed
        Draws the blocks.
    """
    every = [
        Run(method, repeat, False, trials[repeat].hold_out.genes, one)
        for method, found in scores.items()
        for repeat, one in enumerate(found)
    ]
    usual = [_usual_only(run, trials[run.repeat].is_usual) for run in every]
    n_left_out = sum(trial.n_poor for trial in trials)
    whole = comparison_of(every, names, protocol)
    means = comparison_of(usual, names, protocol, n_left_out=n_left_out)
    metrics = list(every[0].scores.per_gene)
    genes, per_gene = score_cube([whole], list(scores), metrics, names)
    about = {
        "protocol": protocol,
        "repeats": len(trials),
        "seed": seed,
        "n_hidden": [len(trial.hold_out.positions) for trial in trials],
        "n_usual": int(np.mean([trial.is_usual.sum() for trial in trials])),
        "n_left_out": n_left_out,
    }
    return Judgement(
        methods=tuple(scores),
        metrics=tuple(metrics),
        genes=genes,
        per_gene=per_gene,
        means=means_of(means, seed),
        differences=differences_of(means, list(scores), seed),
        about=about,
    )


def _usual_only(run: Run, is_usual: NDArray[np.bool_]) -> Run:
    """Scores of the usual genes; those of the section stay over all."""
    sums = run.scores.sums
    fewer = BlockSums(
        n=sums.n,
        moments={name: moments[:, :, is_usual] for name, moments in sums.moments.items()},
        totals=sums.totals,
        deviance=sums.deviance,
    )
    per_gene = {name: values[is_usual] for name, values in run.scores.per_gene.items()}
    scores = Scores(per_gene, run.scores.of_section, fewer)
    return replace(run, genes=run.genes[is_usual], scores=scores)
