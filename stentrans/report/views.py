"""Panels of printed figures, from what is known of a section."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stentrans.enhancement import Enhancement
from stentrans.errors import ParameterError
from stentrans.evaluation.holdout import RIVALS, HeldOut
from stentrans.figures.colours import colour_limits, symmetric_limits
from stentrans.figures.static.panels import BarPanel, MapPanel, Panel, usual_colours
from stentrans.keys import GAP, INSERTED, MEASURED, ORIGIN, ORIGINS
from stentrans.patterns.labels import is_labelled
from stentrans.report.results import Results, array_of
from stentrans.words import CHANCE_SDS, UNITS, Reading, method_name

OTHER: Final = "other"
OTHER_COLOUR: Final = "#d9dee3"
"""Places without a label."""


@dataclass(frozen=True)
class View:
    """One way to look at a gene.

    Parameters
    ----------
    title
        What it is called.
    words
        What it shows, for a menu.
    draw
        Makes the panel of a gene in a reading.
    needs
        What must be there: ``"enhancement"``, ``"held_out"``, both or nothing.
    """

    title: str
    words: str
    draw: Callable[[Results, str, Reading], Panel]
    needs: tuple[str, ...] = ()

    def is_there(self, results: Results) -> bool:
        """Say whether the results suffice for it."""
        return all(getattr(results, need) is not None for need in self.needs)


def gene_limits(results: Results, gene: str, reading: Reading) -> tuple[float, float]:
    """Return both ends of the one colour scale of a gene: from what was measured."""
    return colour_limits(results.measured([gene], reading)[:, 0])


def enhanced_values(results: Results, gene: str, reading: Reading) -> NDArray[np.float32]:
    """Return the prediction at every site, shape ``(n_sites,)``."""
    return _enhancement(results).expression([gene], reading)[:, 0]


def imputed_values(
    results: Results, gene: str, reading: Reading
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return places and values of all spots, each as predicted while hidden, then of the gaps."""
    if results.held_out is None:
        raise ParameterError("A map of hidden spots needs the test on hidden spots; run it first.")
    hidden = results.held_out.expression([gene], reading)[:, 0]
    if results.enhancement is None:
        return results.array, hidden
    sites = results.enhancement.sites
    is_gap = (sites[ORIGIN] == GAP).to_numpy()
    filled = enhanced_values(results, gene, reading)[is_gap]
    places = np.concatenate([results.array, array_of(sites[is_gap])])
    return places, np.concatenate([hidden, filled]).astype(np.float32)


def _measured(results: Results, gene: str, reading: Reading) -> Panel:
    values = results.measured([gene], reading)[:, 0]
    return _expression("Measured", results, gene, reading, results.array, values)


def _enhanced(results: Results, gene: str, reading: Reading) -> Panel:
    values = enhanced_values(results, gene, reading)
    places = array_of(_enhancement(results).sites)
    return _expression("Enhanced", results, gene, reading, places, values)


def _imputed(results: Results, gene: str, reading: Reading) -> Panel:
    places, values = imputed_values(results, gene, reading)
    return _expression("Imputed", results, gene, reading, places, values)


def _expression(
    title: str,
    results: Results,
    gene: str,
    reading: Reading,
    places: NDArray[np.float64],
    values: NDArray[np.float32],
) -> MapPanel:
    """Make a map on the one colour scale of its gene."""
    limits = gene_limits(results, gene, reading)
    return MapPanel(title, places, values, unit=UNITS[reading], limits=limits)


def _difference(results: Results, gene: str, reading: Reading) -> Panel:
    from stentrans.lattice import fit_lattice
    from stentrans.methods.weights import LinearWeights

    places = array_of(_enhancement(results).sites)
    lattice = fit_lattice(results.array.astype(np.int64))
    weights = LinearWeights(lattice, np.arange(lattice.n_spots))
    between = weights(places) @ results.measured([gene], reading)[:, 0]
    values = (enhanced_values(results, gene, reading) - between).astype(np.float32)
    return MapPanel(
        "Difference",
        places,
        values,
        unit=f"difference, {UNITS[reading]}",
        kind="diverging",
        limits=symmetric_limits(values),
    )


def _doubt(results: Results, gene: str, reading: Reading) -> Panel:
    found = _enhancement(results)
    values = found.sd([gene])[:, 0]
    high = float(np.percentile(values, 99)) or 1.0
    return MapPanel(
        "Uncertainty",
        array_of(found.sites),
        values,
        unit="standard deviation, log1p",
        limits=(0.0, high),
    )


def _origin(results: Results, gene: str, reading: Reading) -> Panel:
    sites = _enhancement(results).sites
    values = np.array([ORIGINS.index(name) for name in sites[ORIGIN]], np.float32)
    colours = {MEASURED: "#0072b2", INSERTED: "#cfd8dc", GAP: "#d55e00"}
    return MapPanel(
        "Origin",
        array_of(sites),
        values,
        kind="categories",
        categories=ORIGINS,
        colours=tuple(colours[name] for name in ORIGINS),
    )


def scores_of(held_out: HeldOut, gene: str) -> dict[str, float]:
    """Return the scores of one gene by name."""
    names = [str(name) for name in held_out.scores]
    row = held_out.scores.loc[gene].to_numpy(np.float64)
    return dict(zip(names, row.tolist(), strict=True))


def _scores(results: Results, gene: str, reading: Reading) -> Panel:
    if results.held_out is None:
        raise ParameterError("Scores need the test on hidden spots; run it first.")
    scores = scores_of(results.held_out, gene)
    told = results.enhancement.provenance["method"] if results.enhancement else "prediction"
    named = {str(told): scores.get("pearson")}
    named |= {rival: scores.get(f"pearson_{rival}") for rival in RIVALS if rival != told}
    shown = {name: float(value) for name, value in named.items() if value is not None}
    ceiling = float(scores.get("ceiling", np.nan))
    return BarPanel(
        "Scores",
        tuple(method_name(name) for name in shown),
        tuple(shown.values()),
        ceiling=None if np.isnan(ceiling) else ceiling,
        chance=CHANCE_SDS / float(np.sqrt(len(results.array))),
    )


def label_panel(
    title: str,
    places: NDArray[np.float64],
    labels: Sequence[object],
    *,
    colours: Mapping[str, str] | None = None,
) -> MapPanel:
    """Make a map of labels, such as domains, drawn regions or a pathologist's annotation.

    Parameters
    ----------
    title
        What the labels are.
    places
        array_row and array_col, shape ``(n, 2)``.
    labels
        One per place, words or numbers; in their order they get their colours. Places of which
        they say nothing (`stentrans.patterns.labels.NO_LABEL`) are pale, and called `OTHER`.
    colours
        ``#rrggbb`` by label; None for the usual ones.
    """
    given = pd.Series(list(labels), dtype=object)
    codes, found = pd.factorize(given.where(is_labelled(given)), sort=True)
    names = [str(name) for name in found]
    shades = [colours[name] for name in names] if colours else usual_colours(len(names))
    if (codes < 0).any():
        codes = np.where(codes < 0, len(names), codes)
        names, shades = [*names, OTHER], [*shades, OTHER_COLOUR]
    return MapPanel(
        title,
        places,
        codes.astype(np.float32),
        kind="categories",
        categories=tuple(names),
        colours=tuple(shades),
    )


def _enhancement(results: Results) -> Enhancement:
    if results.enhancement is None:
        raise ParameterError("This view needs an enhancement; enhance the section first.")
    return results.enhancement


VIEWS: Final[Mapping[str, View]] = MappingProxyType(
    {
        "measured": View("Measured", "what was counted", _measured),
        "enhanced": View("Enhanced", "every site, predicted", _enhanced, ("enhancement",)),
        "imputed": View(
            "Imputed", "every spot as predicted while hidden, gaps filled", _imputed, ("held_out",)
        ),
        "difference": View(
            "Difference",
            "enhanced minus measured, linear between spots",
            _difference,
            ("enhancement",),
        ),
        "sd": View(
            "Uncertainty",
            "standard deviation of what a measurement would show",
            _doubt,
            ("enhancement",),
        ),
        "origin": View("Origin", "measured, inserted or gap", _origin, ("enhancement",)),
        "scores": View(
            "Scores",
            "correlation on hidden spots beside simple methods and chance",
            _scores,
            ("held_out",),
        ),
    }
)
"""Ways to look at a gene, by name."""
