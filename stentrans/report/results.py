"""What is known of one section, put together: measured, enhanced, tested on hidden spots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix

from stentrans.enhancement import Enhancement, prepare
from stentrans.errors import ParameterError
from stentrans.evaluation.holdout import HeldOut
from stentrans.export import Slide
from stentrans.figures.screen import Screen, screen_of
from stentrans.keys import ARRAY_COL, ARRAY_ROW, MEASURED, ORIGIN
from stentrans.lattice import Lattice, fit_lattice
from stentrans.lattice.affine import Affine
from stentrans.preprocess import library_size, median_library
from stentrans.section import picture_of
from stentrans.section.underlay import Picture, picture_in
from stentrans.validate import check_names
from stentrans.words import Reading

if TYPE_CHECKING:
    from anndata import AnnData


@dataclass(frozen=True, eq=False)
class Results:
    """One section with what was computed from it; made by `of`.

    Parameters
    ----------
    genes
        Gene names.
    counts
        Of the measured spots, CSR, shape ``(n_spots, n_genes)``.
    array
        Their array_row and array_col, shape ``(n_spots, 2)``, float64.
    screen
        How the section lies on screen.
    enhancement
        Its enhancement, None where there is none.
    held_out
        Its spots as predicted while hidden, None where they are not.
    picture
        The stained tissue, None where there is none that can be laid below the maps.
    to_pixels
        Array positions to full-resolution pixels, None where unknown.
    """

    genes: pd.Index
    counts: csr_matrix
    array: NDArray[np.float64]
    screen: Screen
    enhancement: Enhancement | None = None
    held_out: HeldOut | None = None
    picture: Picture | None = None
    to_pixels: Affine | None = None

    @classmethod
    def of(cls, given: AnnData | Enhancement, *, held_out: HeldOut | None = None) -> Results:
        """Put together what is known of a section.

        Parameters
        ----------
        given
            A section, then only its measured values are known, or an enhancement, which holds
            them, too. Left as it was.
        held_out
            The test on hidden spots of the same section.

        Raises
        ------
        ParameterError
            If ``held_out`` has other spots or genes.
        SectionFormatError
            If the section is not usable.
        """
        found = _of_enhancement(given) if isinstance(given, Enhancement) else _of_section(given)
        if held_out is not None:
            n_spots = sum(len(fold.hidden) for fold in held_out.folds)
            if n_spots != len(found.array) or not held_out.genes.equals(found.genes):
                raise ParameterError(
                    f"`held_out` must belong to the same section; it has {n_spots} spots and "
                    f"{len(held_out.genes)} genes, not {len(found.array)} and {len(found.genes)}. "
                    "Run the test on hidden spots of this section."
                )
        return replace(found, held_out=held_out)

    def measured(self, genes: Sequence[str], reading: Reading = "log") -> NDArray[np.float32]:
        """Return measured values, shape ``(n_spots, n_genes_asked)``; see `measured_values`.

        Raises MissingKeyError for unknown genes.
        """
        check_names("gene", genes, self.genes)
        columns = self.genes.get_indexer(pd.Index(list(genes)))
        if reading == "counts":
            return np.asarray(self._by_gene[:, columns].toarray(), np.float32)
        # As `log_normalise`, of these genes alone.
        dense = self._by_gene[:, columns].toarray()
        return np.asarray(np.log1p(dense * self._scale[:, None]), np.float32)

    @cached_property
    def _by_gene(self) -> csc_matrix:
        return self.counts.tocsc()

    @cached_property
    def _scale(self) -> NDArray[np.float64]:
        """What brings each spot to the median library; 0 for a spot without counts."""
        library = library_size(self.counts)
        goal = median_library(self.counts)
        return np.divide(goal, library, out=np.zeros_like(library), where=library > 0)


def array_of(frame: pd.DataFrame) -> NDArray[np.float64]:
    """Return array_row and array_col of a table of spots or sites, shape ``(n, 2)``."""
    return frame[[ARRAY_ROW, ARRAY_COL]].to_numpy(np.float64)


def _of_section(section: AnnData) -> Results:
    tissue, lattice = prepare(section)
    return Results(
        tissue.var_names,
        tissue.X,
        array_of(tissue.obs),
        _screen(lattice),
        picture=None if lattice.to_pixels is None else picture_of(section),
        to_pixels=lattice.to_pixels,
    )


def _of_enhancement(enhancement: Enhancement) -> Results:
    spots = enhancement.sites[enhancement.sites[ORIGIN] == MEASURED]
    pixels = spots[["x_px", "y_px"]].to_numpy(np.float64) if "x_px" in spots else None
    pitch_um = enhancement.provenance.get("pitch_um")
    lattice = fit_lattice(array_of(spots).astype(np.int64), pixels, pitch_um=pitch_um)
    return Results(
        enhancement.genes,
        enhancement.measured,
        array_of(spots),
        _screen(lattice),
        enhancement=enhancement,
        picture=None if lattice.to_pixels is None else _picture(enhancement.slide),
        to_pixels=lattice.to_pixels,
    )


def _screen(lattice: Lattice) -> Screen:
    """How the section lies on screen: as in its picture."""
    to_pixels = None if lattice.to_pixels is None else lattice.to_pixels.matrix
    return screen_of(lattice.to_um.matrix, to_pixels, pitch_um=lattice.pitch_um)


def _picture(slide: Slide) -> Picture | None:
    """The finest picture of a slide."""
    library = {"images": slide.images, "scalefactors": slide.scalefactors}
    return picture_in([library])
