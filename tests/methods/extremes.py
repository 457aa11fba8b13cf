"""Sections at the edge of what is allowed; `test_extremes` runs these over METHODS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stentrans.errors import Cancelled, ParameterError
from stentrans.lattice import Lattice, enhanced_sites, fit_lattice
from stentrans.methods.base import Progress
from stentrans.methods.registry import ABOUT
from tests.methods.checks import SCALES, Case

ALMOST_NONE = 1e-3


def check_finite(case: Case) -> NDArray[np.float32]:
    """Fit, ask for twice the resolution, and return the log values: all finite and not negative."""
    fitted = case.fit()
    prediction = fitted.predict(enhanced_sites(case.lattice, 2).array)
    assert np.isfinite(prediction.log_library).all()
    for scale in SCALES:
        values = fitted.decoder.decode(prediction, case.genes, scale)
        assert values.shape == (len(prediction.log_library), case.counts.shape[1])
        assert np.isfinite(values).all(), scale
        assert values.min() >= 0, scale
    sd = fitted.decoder.sd(prediction, case.genes)
    assert np.isfinite(sd).all()
    assert sd.min() > 0
    return fitted.decoder.decode(prediction, case.genes, "log")


def check_fewest_spots(case: Case) -> None:
    """A section must have 30 spots; these are the first 30."""
    lattice = fit_lattice(case.lattice.array[:30])
    check_finite(replace(case, counts=case.counts[:30], lattice=lattice))


def check_two_pieces_of_tissue(case: Case) -> None:
    check_finite(replace(case, lattice=_in_two_pieces(case.lattice)))


def check_piece_without_a_gene_stays_without_it(case: Case) -> None:
    """What a far piece shows must not appear in one where the gene was never seen."""
    lattice, counts = _in_two_pieces(case.lattice), case.counts.toarray()
    here = _is_second_piece(case.lattice)
    counts[~here, 11], counts[here, 11] = 0, 40
    fitted = case.fit(csr_matrix(counts), lattice)
    values = case.values(fitted, lattice.array.astype(float))[:, 11]
    assert values[~here].mean() < 0.5 * values[here].mean()


def check_genes_never_seen_stay_at_zero(case: Case) -> None:
    counts = case.counts.toarray()
    counts[:, :8] = 0
    values = check_finite(replace(case, counts=csr_matrix(counts)))
    assert values[:, :8].max() <= ALMOST_NONE


def check_many_empty_spots(case: Case) -> None:
    counts = case.counts.toarray()
    counts[::3] = 0
    check_finite(replace(case, counts=csr_matrix(counts)))


def check_depth_varying_thousandfold(case: Case) -> None:
    depth = 10.0 ** np.random.default_rng(3).uniform(0, 3, case.lattice.n_spots)
    counts = csr_matrix(np.rint(case.counts.toarray() * depth[:, None]).astype(np.float32))
    check_finite(replace(case, counts=counts))
    fitted = case.fit(counts)
    predicted = fitted.predict(case.lattice.array.astype(float)).log_library
    measured = np.log(np.asarray(counts.sum(axis=1)).ravel())
    assert measured.min() - 1 < predicted.min()
    assert predicted.max() < measured.max() + 1


def check_two_genes(case: Case) -> None:
    check_finite(replace(case, counts=csr_matrix(case.counts[:, [5, 9]])))


def check_one_gene_is_answered_or_refused(case: Case) -> None:
    """With one gene there is no composition; who needs one must say so in a sentence."""
    alone = replace(case, counts=csr_matrix(case.counts[:, [9]]))
    refusal = ""
    try:
        check_finite(alone)
    except ParameterError as error:
        refusal = str(error)
    if refusal:
        assert not ABOUT[case.name].keeps_measured, "interpolation needs no second gene"
        assert "gene" in refusal
        assert refusal.endswith(".")


def check_late_cancel_is_heard(case: Case) -> None:
    """The listener may change its mind at the last report before the end."""
    seen: list[Progress] = []
    case.method().fit(case.counts, case.lattice, case.options(on_progress=seen.append))
    running = [place for place, progress in enumerate(seen) if progress.fraction < 1]
    left = iter(range(max(running), -1, -1))
    with pytest.raises(Cancelled, match="Cancelled on request"):
        case.method().fit(
            case.counts, case.lattice, case.options(on_progress=lambda _: next(left) > 0)
        )


def check_many_genes_on_few_spots(case: Case) -> None:
    """As many genes as Visium has, on 63 spots; most are seldom seen."""
    row, col = np.meshgrid(np.arange(7), np.arange(9), indexing="ij")
    lattice = fit_lattice(np.column_stack([row.ravel(), col.ravel()]))
    levels = np.geomspace(0.002, 20, 18_000)
    slope = np.random.default_rng(4).normal(0, 0.3, 18_000)
    wave = np.sin(lattice.array.sum(axis=1) / 4)
    drawn = np.random.default_rng(5).poisson(levels * np.exp(wave[:, None] * slope))
    wide = replace(case, counts=csr_matrix(drawn.astype(np.float32)), lattice=lattice)
    fitted = wide.fit()
    prediction = fitted.predict(enhanced_sites(lattice, 2).array)
    some = np.arange(0, 18_000, 400)
    assert np.isfinite(fitted.decoder.decode(prediction, some, "log")).all()
    assert np.isfinite(fitted.decoder.sd(prediction, some)).all()


EXTREMES: tuple[Callable[[Case], None], ...] = (
    check_fewest_spots,
    check_two_pieces_of_tissue,
    check_piece_without_a_gene_stays_without_it,
    check_genes_never_seen_stay_at_zero,
    check_many_empty_spots,
    check_depth_varying_thousandfold,
    check_two_genes,
    check_one_gene_is_answered_or_refused,
    check_late_cancel_is_heard,
)


def _is_second_piece(lattice: Lattice) -> NDArray[np.bool_]:
    """Mark the spots of the right half."""
    column = lattice.array[:, 1]
    return np.asarray(column > np.median(column))


def _in_two_pieces(lattice: Lattice) -> Lattice:
    """Move the right half 40 columns away."""
    array = lattice.array.copy()
    array[_is_second_piece(lattice), 1] += 40
    return fit_lattice(array)
