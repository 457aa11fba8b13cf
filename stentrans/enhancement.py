"""Enhance a section, or predict at chosen positions; results stay factors until a gene is read."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stentrans import __version__, export
from stentrans.errors import ParameterError, ShapeError
from stentrans.keys import (
    ARRAY_COL,
    ARRAY_ROW,
    COUNTS,
    GENE_IDS,
    ORIGIN,
    ORIGINS,
    SD,
    SPATIAL,
    STENTRANS,
)
from stentrans.lattice import Lattice, Sites, enhanced_sites, fit_lattice, sites_at
from stentrans.lattice.sites import MAX_FACTOR
from stentrans.methods import registry
from stentrans.methods.base import (
    Decoder,
    FitOptions,
    Fitted,
    OnProgress,
    Prediction,
    Progress,
    Scale,
    report,
)
from stentrans.methods.progress import STOPPED_EARLY, listening, part_of
from stentrans.section import check_section, on_tissue, pitch_um_of
from stentrans.store import section_id
from stentrans.validate import check_integer, check_names, check_option, check_seed

if TYPE_CHECKING:
    from anndata import AnnData

DEVICES = ("auto", "cpu", "cuda")
_FARTHEST = 1e6
_FIT_SHARE = 0.75  # of the progress; the rest is prediction


class Enhancement:
    """Expression at sites, kept as factors; any gene on demand. Made by `enhance`.

    Parameters
    ----------
    sites
        One row per site: array_row, array_col (fractional), x_um, y_um, x_px, y_px where pixels
        are known, origin (measured, inserted or gap). Measured spots keep their barcode as index.
    genes
        Gene names.
    prediction, decoder
        Factors at the sites and what turns them into expression.
    measured
        Counts of the measured spots, CSR, shape ``(n_spots, n_genes)``; row i belongs to the
        i-th measured site.
    provenance
        What was done, ready for JSON.
    gene_ids
        Ids of the genes, where the section has them.
    slide
        Pictures and their scale, for exports; None for none.
    """

    def __init__(
        self,
        *,
        sites: pd.DataFrame,
        genes: pd.Index,
        prediction: Prediction,
        decoder: Decoder,
        measured: csr_matrix,
        provenance: dict[str, Any],
        gene_ids: Sequence[str] | None = None,
        slide: export.Slide | None = None,
    ) -> None:
        self.sites, self.genes = sites, genes
        self.prediction, self.decoder = prediction, decoder
        self.measured, self.provenance = measured, provenance
        self.gene_ids = gene_ids
        self.slide = export.Slide() if slide is None else slide

    def __repr__(self) -> str:
        """Say how large the result is and where it came from."""
        counted = self.sites[ORIGIN].value_counts()
        parts = ", ".join(f"{counted.get(origin, 0)} {origin}" for origin in ORIGINS)
        return (
            f"Enhancement by {self.provenance['method']}: {parts} sites x {len(self.genes)} genes"
        )

    @property
    def stopped_early(self) -> str:
        """How far training had come when it was told to stop; empty for a whole run."""
        return str(self.provenance.get(STOPPED_EARLY, ""))

    def expression(self, genes: str | Sequence[str], scale: Scale = "log") -> NDArray[np.float32]:
        """Expression of chosen genes at every site.

        Parameters
        ----------
        genes
            Gene names as in ``genes``; one name is taken as a list of one.
        scale
            ``"log"``: expected natural log1p of counts scaled to the section's median library, at
            the interpolated library, comparable with measured values. ``"composition"``: the same
            at the median library everywhere, so that depth plays no part. ``"counts"``: expected
            counts.

        Returns
        -------
        values
            Shape ``(n_sites, n_genes_asked)``, float32, finite, non-negative.

        Raises
        ------
        MissingKeyError
            If a gene is not in the section.
        ParameterError
            If ``scale`` is not one of the three.
        """
        check_option("scale", scale, ("log", "counts", "composition"))
        return self.decoder.decode(self.prediction, self._positions(genes), scale)

    def sd(self, genes: str | Sequence[str]) -> NDArray[np.float32]:
        """Standard deviation of ``"log"`` values, shape ``(n_sites, n_genes_asked)``, float32.

        It covers what a measurement at the site would show, counting noise included. Raises
        MissingKeyError for unknown genes.
        """
        return self.decoder.sd(self.prediction, self._positions(genes))

    def interval(
        self, genes: str | Sequence[str], level: float = 0.95
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Bounds that hold a share ``level`` of what measurements at the sites would show.

        Parameters
        ----------
        genes
            Gene names; one name is taken as a list of one.
        level
            0.5, 0.8 or 0.95.

        Returns
        -------
        low, high
            Bounds of ``"log"`` values, each of shape ``(n_sites, n_genes_asked)``, float32,
            at least 0.

        Raises
        ------
        MissingKeyError
            If a gene is not in the section.
        ParameterError
            If ``level`` is none of the three.
        """
        return self.decoder.interval(self.prediction, self._positions(genes), level)

    def to_anndata(self, genes: Sequence[str] | None = None) -> AnnData:
        """Make an AnnData of some genes (None: all), dense: ``X`` log values.

        Layers are ``counts`` (expected), ``sd`` and ``measured`` (NaN where nothing was measured);
        for many genes on many sites `write` needs less memory.
        """
        return export.Contents.of(self, genes).to_anndata()

    def write(self, path: str | Path, genes: Sequence[str] | None = None) -> None:
        """Write some genes (None: all) in the format that the file's name ends in.

        In chunks of bounded memory; ``.h5ad`` holds what `to_anndata` gives. Other scales than
        log, fewer layers, progress and cancelling: `stentrans.export.write`, which also says what
        is raised.
        """
        export.write(self, path, genes)

    def save(self, folder: str | Path) -> None:
        """Save into a new or empty folder, as factors; `load` is the inverse."""
        export.save(self, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> Enhancement:
        """Load what `save` wrote; raises StoreError if something is missing or damaged."""
        return cls(**export.load(Path(folder)))

    def _positions(self, genes: str | Sequence[str]) -> NDArray[np.int64]:
        names = [genes] if isinstance(genes, str) else list(genes)
        check_names("gene", names, self.genes)
        return self.genes.get_indexer(pd.Index(names)).astype(np.int64)


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
            "packages": _packages(),
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
    obs = site_frame(tissue, lattice, sites)
    obs.index = pd.Index([str(name) for name in at.index])
    predicted = AnnData(
        X=fitted.decoder.decode(prediction, genes, "log"),
        obs=obs,
        var=tissue.var.copy(),
        layers={
            COUNTS: fitted.decoder.decode(prediction, genes, "counts"),
            SD: fitted.decoder.sd(prediction, genes),
        },
    )
    told = {"X_is": export.VALUES_ARE["log"], "provenance": provenance}
    predicted.uns[STENTRANS] = json.dumps(told, sort_keys=True)
    return predicted


def prepare(section: AnnData) -> tuple[AnnData, Lattice]:
    """Validate a section and return its spots on tissue, as a new AnnData, with their lattice."""
    tissue = on_tissue(check_section(section))
    array = tissue.obs[[ARRAY_ROW, ARRAY_COL]].to_numpy(np.int64)
    pixels = tissue.obsm.get(SPATIAL)
    return tissue, fit_lattice(array, pixels, pitch_um=pitch_um_of(tissue))


def at_sites(
    tissue: AnnData,
    lattice: Lattice,
    sites: Sites,
    fitted: Fitted,
    provenance: dict[str, Any],
) -> Enhancement:
    """Ask a fitted method for sites, the spots of ``tissue`` among them."""
    return Enhancement(
        sites=site_frame(tissue, lattice, sites),
        genes=tissue.var_names.copy(),
        prediction=fitted.predict(sites.array),
        decoder=fitted.decoder,
        measured=tissue.X,
        provenance=provenance,
        gene_ids=_gene_ids(tissue),
        slide=export.Slide.of(tissue),
    )


def site_frame(tissue: AnnData, lattice: Lattice, sites: Sites) -> pd.DataFrame:
    """Describe sites as a table, see `Enhancement.sites`."""
    x_um, y_um = lattice.to_um(sites.array).T
    frame = pd.DataFrame(
        {ARRAY_ROW: sites.array[:, 0], ARRAY_COL: sites.array[:, 1], "x_um": x_um, "y_um": y_um}
    )
    if lattice.to_pixels is not None:
        frame["x_px"], frame["y_px"] = lattice.to_pixels(sites.array).T
    names = np.array(ORIGINS, dtype=object)[sites.origin]
    frame[ORIGIN] = pd.Categorical(names, categories=list(ORIGINS))
    labels = np.array([f"{name}-{i:05d}" for i, name in enumerate(names)], dtype=object)
    is_spot = sites.spot >= 0
    labels[is_spot] = tissue.obs_names.to_numpy()[sites.spot[is_spot]]
    frame.index = pd.Index(labels)
    return frame


def _gene_ids(tissue: AnnData) -> list[str] | None:
    """Ids of the genes, where the section has them."""
    return list(tissue.var[GENE_IDS].astype(str)) if GENE_IDS in tissue.var else None


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


def _packages() -> dict[str, str]:
    """Versions of what the numbers depend on, without importing any of it."""
    packages = {"Python": platform.python_version()}
    for name in ("numpy", "scipy", "torch"):
        with suppress(metadata.PackageNotFoundError):  # most methods do without torch
            packages[name] = metadata.version(name)
    return packages


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


def provenance_of(
    tissue: AnnData, method: str, options: FitOptions, fitted: Fitted
) -> dict[str, Any]:
    """Everything needed to repeat the run, and what the fit found."""
    return {
        "version": __version__,
        "section": section_id(tissue),
        "spots": tissue.n_obs,
        "method": method,
        "seed": options.seed,
        "device": options.device,
        "settings": dict(options.settings),
        "fit": dict(fitted.summary),
    } | {name: told for name, told in fitted.summary.items() if name == STOPPED_EARLY}
