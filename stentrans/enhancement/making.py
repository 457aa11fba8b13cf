"""Enhance a section, or predict at chosen positions."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stentrans import export
from stentrans.enhancement.provenance import packages, provenance_of
from stentrans.enhancement.result import Enhancement
from stentrans.enhancement.tissue import at_sites, prepare, site_frame
from stentrans.errors import ParameterError, ShapeError
from stentrans.keys import ARRAY_COL, ARRAY_ROW, COUNTS, SD, STENTRANS
from stentrans.lattice import enhanced_sites, sites_at
from stentrans.lattice.sites import MAX_FACTOR
from stentrans.methods import registry
from stentrans.methods.base import FitOptions, OnProgress, Progress, report
from stentrans.methods.progress import listening, part_of
from stentrans.validate import check_integer, check_option, check_seed

if TYPE_CHECKING:
    from anndata import AnnData

DEVICES = ("auto", "cpu", "cuda")
_FARTHEST = 1e6
_FIT_SHARE = 0.75  # of the progress; the rest is prediction


def enhance(
    section: AnnData,
    *,
    factor: int = 2,
    method: str = "stentrans",
    fill_gaps: bool = True,
    seed: int = 0,
    device: str = "auto",
    on_progress: OnProgress | None = None,
    **settings: Any,
) -> Enhancement:
    """Raise the resolution of a section and fill its lost areas.

    Parameters
    ----------
    section
        Counts in ``layers["counts"]`` or ``X``; ``obs["array_row"]``, ``obs["array_col"]``;
        optionally ``in_tissue`` and ``obsm["spatial"]``. Left as it was.
    factor
        Fine steps per lattice step: 2, 3 or 4 (1: gaps and measured spots only).
    method
        A name in ``stentrans.METHODS``.
    fill_gaps
        Also answer at positions enclosed by tissue that have no measurement.
    seed
        Same input, seed and version give the same numbers.
    device
        ``"auto"``, ``"cpu"`` or ``"cuda"``.
    on_progress
        Gets a `Progress` now and then; returning False cancels. Returning ``"enough"`` ends
        training with what was learned so far; the provenance then holds ``stopped_early``.
    **settings
        Settings of the method.

    Raises
    ------
    SectionFormatError
        If the section is not usable (no counts, no lattice, fewer than 30 spots ...).
    ParameterError
        If an argument or setting is out of range.
    Cancelled
        If ``on_progress`` returned False.
    """
    factor = check_integer("factor", factor, low=1, high=MAX_FACTOR)
    started = time.perf_counter()
    listen = part_of(on_progress, 0.0, _FIT_SHARE)
    chosen = _fit_options(method, seed, device, settings, listen)
    tissue, lattice = prepare(section)
    sites = enhanced_sites(lattice, factor, fill_gaps=fill_gaps)
    with listening():
        fitted = registry.load(method).fit(tissue.X, lattice, chosen)
        report(on_progress, Progress("predicting", _FIT_SHARE, until=1.0))
        provenance = provenance_of(tissue, method, chosen, fitted) | {
            "factor": factor,
            "fill_gaps": bool(fill_gaps),
            "genes": tissue.n_vars,
            "lattice": lattice.kind,
            "pitch_um": lattice.pitch_um,
            "packages": packages(),
            "seconds": round(time.perf_counter() - started, 2),
        }
        result = at_sites(tissue, lattice, sites, fitted, provenance)
        report(on_progress, Progress("done", 1.0))
    return result


def impute(
    section: AnnData,
    at: pd.DataFrame,
    *,
    method: str = "stentrans",
    seed: int = 0,
    device: str = "auto",
) -> AnnData:
    """Predict expression at chosen positions.

    Parameters
    ----------
    section
        As for `enhance`; left as it was.
    at
        Columns array_row and array_col, fractions allowed, any order, any number of rows.
    method, seed, device
        As for `enhance`.

    Returns
    -------
    predicted
        One row per row of ``at``, genes as in the section. ``X``: expected log1p of counts scaled
        to the section's median library; ``layers["counts"]``: expected counts;
        ``layers["sd"]``: standard deviation of ``X``.

    Raises
    ------
    ShapeError
        If ``at`` lacks a column.
    ParameterError
        If ``at`` holds text, or positions that are not finite or absurdly far; else as for
        `enhance`.
    SectionFormatError
        As for `enhance`.
    """
    from anndata import AnnData

    array = _asked(at)
    chosen = _fit_options(method, seed, device, {}, None)
    tissue, lattice = prepare(section)
    sites = sites_at(lattice, array)
    fitted = registry.load(method).fit(tissue.X, lattice, chosen)
    prediction = fitted.predict(sites.array)
    provenance = provenance_of(tissue, method, chosen, fitted)
    genes = np.arange(tissue.n_vars)
    mean, sd = fitted.decoder.mean_and_sd(prediction, genes)
    obs = site_frame(tissue, lattice, sites)
    obs.index = pd.Index([str(name) for name in at.index])
    predicted = AnnData(
        X=mean,
        obs=obs,
        var=tissue.var.copy(),
        layers={
            COUNTS: fitted.decoder.decode(prediction, genes, "counts"),
            SD: sd,
        },
    )
    told = {"X_is": export.VALUES_ARE["log"], "provenance": provenance}
    predicted.uns[STENTRANS] = json.dumps(told, sort_keys=True)
    return predicted


def _fit_options(
    method: str, seed: int, device: str, settings: dict[str, Any], on_progress: OnProgress | None
) -> FitOptions:
    """Check what every method takes."""
    check_option("method", method, list(registry.METHODS))
    check_option("device", device, DEVICES)
    plain = {k: v.item() if isinstance(v, np.generic) else v for k, v in settings.items()}
    for name, value in plain.items():
        if not isinstance(value, (bool, int, float, str)):
            raise ParameterError(
                f"A setting must be a number or a word; {name} is a {type(value).__name__}."
            )
    seed = check_seed(seed)
    return FitOptions(seed=seed, device=device, settings=plain, on_progress=on_progress)


def _asked(at: pd.DataFrame) -> NDArray[np.float64]:
    """Positions asked for, shape ``(n_sites, 2)``."""
    missing = [name for name in (ARRAY_ROW, ARRAY_COL) if name not in at]
    if missing:
        raise ShapeError(
            f"`at` must have the columns {ARRAY_ROW} and {ARRAY_COL}; {missing[0]} is missing."
        )
    try:
        array = at[[ARRAY_ROW, ARRAY_COL]].to_numpy(np.float64)
    except (TypeError, ValueError) as error:
        raise ParameterError(
            f"Columns {ARRAY_ROW} and {ARRAY_COL} of `at` must hold numbers; they hold text."
        ) from error
    if (np.abs(array) > _FARTHEST).any():
        raise ParameterError(
            f"Columns {ARRAY_ROW} and {ARRAY_COL} of `at` must lie within {_FARTHEST:,.0f} array "
            f"steps; the farthest lies {np.nanmax(np.abs(array)):.3g} away. Check their units."
        )
    return array
