"""New edge-directed interpolation (Li & Orchard 2001) of each gene's image.

Notes
-----
*Square cells*, as published: the middle of each cell first, from its four corners; then the
middles of the edges, from their two ends and the two cell middles beside them.

*Hexagonal lattice*: every inserted site is the middle of an edge, and with the two triangles on
that edge it lies in the middle of a rhombus: two corners half a pitch away and two 0.87 pitches
away. All sites are alike, so that one pass over the three directions does, from measured spots
only. The rhombus twice as large around a measured spot, which trains the weights, has its
corners on measured spots again.

*Where there is no edge to follow* the answer is the plain average of the nearest spots: at the
border of the tissue, beside lost spots, where the window shows too few rhombs or a singular
system, and where the weights lead outside the range of the four values that they weigh.
Values at measured spots are the measured ones.
"""

from __future__ import annotations

from typing import Any, Final

from scipy.sparse import csr_matrix

from stentrans.lattice import Lattice
from stentrans.methods.base import FitOptions
from stentrans.methods.edge_directed import EdgeDirected
from stentrans.methods.image_fitting import ImageFitted, ImageTask, fit_image
from stentrans.methods.inputs import check_settings
from stentrans.validate import check_integer

WINDOW: Final = 8
"""Lines of the window that trains the weights; the article's M."""


class Nedi:
    """Edge-directed interpolation, gene by gene, along the lattice's own axes.

    Setting ``window``: lattice lines that the weights are learned from, 4 to 32 (8).
    """

    name = "nedi"

    def fit(self, counts: csr_matrix, lattice: Lattice, options: FitOptions) -> ImageFitted:
        """Make images of the genes; weights are found when a gene is read.

        Parameters
        ----------
        counts
            Shape ``(n_spots, n_genes)``, CSR; left as it was.
        lattice
            Where the spots lie.
        options
            ``seed`` deals the spots to the folds that measure the error of linear interpolation,
            which stands for this method's own.

        Raises
        ------
        ParameterError
            If a setting is unknown or out of range, or counts are negative or not finite.
        ShapeError
            If counts and lattice do not belong together.
        """
        check_settings(self.name, options.settings, ("window",))
        window = check_integer("window", options.settings.get("window", WINDOW), low=4, high=32)

        def make(_: ImageTask) -> tuple[EdgeDirected, dict[str, Any]]:
            is_hexagonal = lattice.kind == "hexagonal"
            return EdgeDirected(window, is_hexagonal=is_hexagonal), {"window": window}

        return fit_image(counts, lattice, options, make)
