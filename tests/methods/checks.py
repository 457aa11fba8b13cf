"""What every method must do, whatever it computes; `test_contract` runs these over METHODS."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, issparse

from stentrans.errors import Cancelled, ParameterError, ShapeError
from stentrans.lattice import Lattice, enhanced_sites, fit_lattice
from stentrans.methods.base import FitOptions, Fitted, Method, Progress
from stentrans.methods.registry import ABOUT, load
from stentrans.preprocess import log_normalise, median_library

SCALES = ("log", "counts", "composition")


@dataclass(frozen=True)
class Case:
    """A method, the settings that keep it quick, and a small section."""

    name: str
    counts: csr_matrix
    lattice: Lattice
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def genes(self) -> NDArray[np.int64]:
        """Indices of all genes."""
        return np.arange(self.counts.shape[1])

    def method(self) -> Method:
        """A fresh instance."""
        return load(self.name)

    def fit(self, counts: csr_matrix | None = None, lattice: Lattice | None = None) -> Fitted:
        """Fit a fresh instance with seed 0, on this section or a variant of it."""
        counts = self.counts if counts is None else counts
        return self.method().fit(counts, lattice or self.lattice, self.options())

    def options(self, **changes: Any) -> FitOptions:
        """Seed 0, CPU and the quick settings."""
        return FitOptions(**{"seed": 0, "device": "cpu", "settings": self.settings} | changes)

    def positions(self) -> NDArray[np.float64]:
        """Measured, gap and inserted sites, and some outside the tissue."""
        outside = self.lattice.array.max(axis=0) + np.array([[1, 1], [2.5, 0.5]])
        return np.concatenate([enhanced_sites(self.lattice, 2).array, outside])

    def values(
        self, fitted: Fitted, positions: NDArray[np.float64], scale: Any = "log"
    ) -> NDArray[np.float32]:
        """Values of all genes."""
        return fitted.decoder.decode(fitted.predict(positions), self.genes, scale)


def check_input_unchanged(case: Case) -> None:
    before, positions = case.counts.copy(), case.positions()
    asked = positions.copy()
    fitted = case.fit()
    case.values(fitted, positions)
    for part in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(case.counts, part), getattr(before, part))
    np.testing.assert_array_equal(positions, asked)


def check_output_shape(case: Case) -> None:
    fitted, positions = case.fit(), case.positions()
    prediction = fitted.predict(positions)
    n_sites = len(positions)
    assert prediction.factors.shape[0] == n_sites
    assert prediction.factors.dtype == np.float32
    if prediction.variance is not None:
        assert prediction.variance.shape == prediction.factors.shape
        assert prediction.variance.min() >= 0
    assert prediction.log_library.shape == (n_sites,)
    assert np.isfinite(prediction.log_library).all()
    assert prediction.log_library_variance.min() >= 0
    genes = np.array([3, 0, 3])
    for scale in SCALES:
        values = fitted.decoder.decode(prediction, genes, scale)
        assert (values.shape, values.dtype) == ((n_sites, 3), np.float32)
        assert np.isfinite(values).all()
        assert values.min() >= 0
    sd = fitted.decoder.sd(prediction, genes)
    assert (sd.shape, sd.dtype) == ((n_sites, 3), np.float32)
    assert np.isfinite(sd).all()
    assert sd.min() > 0
    mean, beside = fitted.decoder.mean_and_sd(prediction, genes)
    np.testing.assert_array_equal(mean, fitted.decoder.decode(prediction, genes, "log"))
    np.testing.assert_array_equal(beside, sd)


def check_one_gene_equals_its_column(case: Case) -> None:
    fitted = case.fit()
    prediction = fitted.predict(case.positions())
    for scale in SCALES:
        every = fitted.decoder.decode(prediction, case.genes, scale)
        one = fitted.decoder.decode(prediction, np.array([5]), scale)
        np.testing.assert_allclose(one[:, 0], every[:, 5], rtol=1e-4, atol=1e-5)


def check_hidden_spots_unused(case: Case) -> None:
    """What an instance saw in an earlier fit must not reach a later one."""
    kept = np.arange(case.lattice.n_spots) % 5 != 2
    lattice = fit_lattice(case.lattice.array[kept])
    hidden = case.lattice.array[~kept].astype(float)
    method = case.method()
    method.fit(case.counts, case.lattice, case.options())
    again = method.fit(case.counts[kept], lattice, case.options())
    fresh = case.fit(case.counts[kept], lattice)
    np.testing.assert_array_equal(case.values(again, hidden), case.values(fresh, hidden))


def check_measured_spots_as_declared(case: Case) -> None:
    measured = case.values(case.fit(), case.lattice.array.astype(float))
    kept = log_normalise(case.counts, median_library(case.counts)).toarray()
    same = np.allclose(measured, kept, rtol=1e-4, atol=1e-4)
    assert same == ABOUT[case.name].keeps_measured


def check_gene_order_equivariance(case: Case) -> None:
    order = np.random.default_rng(1).permutation(case.counts.shape[1])
    positions = case.positions()
    straight = case.values(case.fit(), positions)
    turned = case.values(case.fit(csr_matrix(case.counts[:, order])), positions)
    np.testing.assert_allclose(turned, straight[:, order], rtol=2e-3, atol=2e-3)


def check_batch_size_invariance(case: Case) -> None:
    fitted, positions = case.fit(), case.positions()
    together = case.values(fitted, positions)
    some = np.linspace(0, len(positions) - 1, 15).astype(int)
    alone = np.concatenate([case.values(fitted, positions[[site]]) for site in some])
    np.testing.assert_allclose(alone, together[some], rtol=1e-4, atol=1e-5)


def check_same_seed_same_result(case: Case) -> None:
    first, second, positions = case.fit(), case.fit(), case.positions()
    for scale in SCALES:
        np.testing.assert_array_equal(
            case.values(first, positions, scale), case.values(second, positions, scale)
        )
    deviations = [f.decoder.sd(f.predict(positions), case.genes) for f in (first, second)]
    np.testing.assert_array_equal(*deviations)


def check_constant_gene_stays_finite(case: Case) -> None:
    """One gene equal everywhere, one never seen, and one spot without any count."""
    counts = case.counts.toarray()
    counts[:, 0], counts[:, 1] = 2, 0
    counts[7] = 0
    _check_finite(case, csr_matrix(counts), case.lattice)


def check_all_genes_constant_stays_finite(case: Case) -> None:
    _check_finite(case, csr_matrix(np.full(case.counts.shape, 3, np.float32)), case.lattice)


def check_intervals_are_nested_around_the_value(case: Case) -> None:
    fitted = case.fit()
    prediction = fitted.predict(case.positions())
    genes = np.array([3, 0, 5])
    values = fitted.decoder.decode(prediction, genes, "log")
    inner = fitted.decoder.interval(prediction, genes, 0.5)
    outer = fitted.decoder.interval(prediction, genes, 0.95)
    for low, high in (inner, outer):
        assert (low.shape, low.dtype, high.dtype) == (values.shape, np.float32, np.float32)
        assert low.min() >= 0
        assert ((low <= values) & (values <= high)).all()
    assert (outer[0] <= inner[0]).all()
    assert (outer[1] > inner[1]).all()


def check_single_row_section(case: Case) -> None:
    n_spots = case.lattice.n_spots
    lattice = fit_lattice(np.column_stack([np.full(n_spots, 4), np.arange(n_spots)]))
    _check_finite(case, case.counts, lattice)


def _check_finite(case: Case, counts: csr_matrix, lattice: Lattice) -> None:
    fitted = case.fit(counts, lattice)
    prediction = fitted.predict(enhanced_sites(lattice, 2).array)
    for scale in SCALES:
        values = fitted.decoder.decode(prediction, case.genes, scale)
        assert np.isfinite(values).all(), scale
        assert values.min() >= 0
    sd = fitted.decoder.sd(prediction, case.genes)
    assert np.isfinite(sd).all()
    assert sd.min() > 0


def check_non_finite_rejected(case: Case) -> None:
    counts = case.counts.copy()
    counts.data[3] = np.nan
    with pytest.raises(ParameterError, match="finite"):
        case.fit(counts)
    with pytest.raises(ParameterError, match="finite"):
        case.fit().predict(np.array([[np.nan, 1.0]]))


def check_wrong_shapes_rejected(case: Case) -> None:
    with pytest.raises(ShapeError, match="one row per measured spot"):
        case.fit(case.counts[1:])
    with pytest.raises(ShapeError, match=r"\(n_sites, 2\)"):
        case.fit().predict(np.zeros((4, 3)))


def check_unknown_setting_refused(case: Case) -> None:
    with pytest.raises(ParameterError, match=f"{case.name} takes .*; got 'colour'"):
        case.method().fit(case.counts, case.lattice, case.options(settings={"colour": 1}))


def check_config_round_trip(case: Case) -> None:
    summary = dict(case.fit().summary)
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def check_saved_and_loaded_agree(case: Case) -> None:
    fitted = case.fit()
    prediction, decoder = fitted.predict(case.positions()), fitted.decoder
    file = io.BytesIO()
    np.savez(file, **decoder.to_arrays())
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        loaded = type(decoder).from_arrays(dict(arrays))
    assert loaded.kind == decoder.kind
    for scale in SCALES:
        np.testing.assert_array_equal(
            loaded.decode(prediction, case.genes, scale),
            decoder.decode(prediction, case.genes, scale),
        )
    np.testing.assert_array_equal(
        loaded.sd(prediction, case.genes), decoder.sd(prediction, case.genes)
    )


def check_progress_never_goes_back(case: Case) -> None:
    seen: list[Progress] = []
    case.method().fit(case.counts, case.lattice, case.options(on_progress=seen.append))
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert fractions[0] >= 0
    assert fractions[-1] <= 1
    assert all(progress.stage for progress in seen)


def check_listener_can_cancel(case: Case) -> None:
    with pytest.raises(Cancelled, match="Cancelled on request"):
        case.method().fit(case.counts, case.lattice, case.options(on_progress=lambda _: False))


def check_factors_stay_sparse_or_small(case: Case) -> None:
    """An enhancement keeps its factors, so they must not be dense over all spots."""
    factors = case.fit().predict(case.positions()).factors
    if issparse(factors):
        assert factors.getnnz(axis=1).max() <= 200
    else:
        assert factors.shape[1] <= 200


CHECKS: tuple[Callable[[Case], None], ...] = (
    check_input_unchanged,
    check_output_shape,
    check_one_gene_equals_its_column,
    check_hidden_spots_unused,
    check_measured_spots_as_declared,
    check_gene_order_equivariance,
    check_batch_size_invariance,
    check_same_seed_same_result,
    check_constant_gene_stays_finite,
    check_all_genes_constant_stays_finite,
    check_intervals_are_nested_around_the_value,
    check_single_row_section,
    check_non_finite_rejected,
    check_wrong_shapes_rejected,
    check_unknown_setting_refused,
    check_config_round_trip,
    check_saved_and_loaded_agree,
    check_progress_never_goes_back,
    check_listener_can_cancel,
    check_factors_stay_sparse_or_small,
)
