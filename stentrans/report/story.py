"""What a report tells: the results of some genes, how they were made, whether to believe them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stentrans import __version__
from stentrans.errors import ParameterError
from stentrans.evaluation.chance import chance_levels
from stentrans.evaluation.holdout import RIVALS
from stentrans.keys import ORIGIN, ORIGINS
from stentrans.methods import registry
from stentrans.report.citations import Citation, citations, deviations
from stentrans.report.methods_text import methods_paragraph
from stentrans.report.recipe import Recipe
from stentrans.report.results import Results
from stentrans.report.views import scores_of
from stentrans.validate import check_names
from stentrans.words import READINGS, UNITS, Reading, Tone, method_name, verdict

MOST_GENES: Final = 60
UNTESTED: Final = "Not tested on hidden spots: whether to believe this map is not known."


@dataclass(frozen=True)
class GeneStory:
    """What is told of one gene.

    Parameters
    ----------
    name, note
        The gene, and what the user noted about it.
    tone, sentence
        Whether to believe its maps.
    scores
        From hidden spots, by name; empty where it was not tested.
    chance
        Correlation that 95 % of shuffles stay below; None where it was not tested.
    """

    name: str
    note: str
    tone: Tone
    sentence: str
    scores: Mapping[str, float]
    chance: float | None


@dataclass(frozen=True, eq=False)
class Story:
    """Everything that a report is written from.

    Parameters
    ----------
    label
        What the section is called.
    results
        What is known of it.
    genes
        Genes to show, in this order, each once.
    reading
        How expression is read.
    notes
        The user's note on a gene, by name.
    recipe
        How to make it again; None where that is not known.
    link
        Address that opens the same in the app; empty for none.
    is_simulated
        The section was made by a program, which is said wherever it is shown.
    """

    label: str
    results: Results
    genes: tuple[str, ...]
    reading: Reading = "composition"
    notes: Mapping[str, str] = field(default_factory=dict)
    recipe: Recipe | None = None
    link: str = ""
    is_simulated: bool = False

    def __post_init__(self) -> None:
        """Refuse genes that are not there, none, or too many."""
        check_names("gene", self.genes, self.results.genes)
        if not 1 <= len(self.genes) <= MOST_GENES:
            raise ParameterError(
                f"A report must show between 1 and {MOST_GENES} genes; got {len(self.genes)}. "
                "Choose the genes that matter."
            )
        if self.results.enhancement is None:
            raise ParameterError("A report needs an enhancement; enhance the section first.")

    @property
    def provenance(self) -> dict[str, Any]:
        """What the enhancement says of itself."""
        assert self.results.enhancement is not None  # checked when made
        return self.results.enhancement.provenance

    @property
    def method(self) -> str:
        """Name of the method."""
        return str(self.provenance["method"])

    @property
    def unit(self) -> str:
        """What the values are."""
        return UNITS[self.reading]

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Number of sites by origin."""
        assert self.results.enhancement is not None
        counted = self.results.enhancement.sites[ORIGIN].value_counts()
        return {origin: int(counted.get(origin, 0)) for origin in ORIGINS}

    @cached_property
    def told(self) -> tuple[GeneStory, ...]:
        """What is told of each gene."""
        levels = self._chance()
        return tuple(self._of_gene(gene, levels.get(gene)) for gene in self.genes)

    @cached_property
    def rivals_beside(self) -> tuple[str, ...]:
        """Methods that were scored beside this one."""
        held_out = self.results.held_out
        if held_out is None:
            return ()
        return tuple(name for name in RIVALS if f"pearson_{name}" in held_out.scores)

    @property
    def summary(self) -> dict[str, float] | None:
        """Mean scores over genes, None where nothing was tested."""
        held_out = self.results.held_out
        return None if held_out is None else held_out.summary

    @property
    def methods(self) -> str:
        """The methods paragraph."""
        return methods_paragraph(
            self.label,
            self.provenance,
            self.sizes,
            reading=self.reading,
            tested=self.summary,
            n_spots=len(self.results.array),
        )

    @property
    def deviations(self) -> tuple[str, ...]:
        """Where the method differs from the article it comes from."""
        return deviations(self.method)

    @property
    def citations(self) -> list[Citation]:
        """What to cite."""
        return citations(self.method)

    def settings(self) -> list[tuple[str, str]]:
        """Return all that the result depends on, and what the fit found, in words."""
        told = self.provenance
        fit: Mapping[str, Any] = told.get("fit", {})
        rows = [
            ("Section", self.label + (" (simulated)" if self.is_simulated else "")),
            ("Content id", str(told["section"])),
            ("Measured spots", f"{self.sizes['measured']:,}"),
            ("Inserted sites", f"{self.sizes['inserted']:,}"),
            ("Gaps filled", f"{self.sizes['gap']:,}"),
            ("Genes", f"{len(self.results.genes):,}"),
            ("Method", f"{method_name(self.method)} ({self.method})"),
            ("Factor per axis", str(told.get("factor", "–"))),
            ("Seed", str(told["seed"])),
            ("Settings", _settings(told.get("settings") or {})),
            ("Reading", f"{READINGS[self.reading]}: {self.unit}"),
            ("stentrans", str(told["version"])),
        ]
        rows += [(name, str(number)) for name, number in (told.get("packages") or {}).items()]
        rows += [("Training", "ended early")] if told.get("stopped_early") else []
        rows += [("Rank", str(fit["rank"]))] if "rank" in fit else []
        for name, words in (("gate", "Attention"), ("kernel_gate", "Likeness")):
            if fit.get(name):
                gates = np.asarray(fit[name], np.float64)
                is_open = int((gates > 0).sum())
                rows.append((f"{words}, gates open", f"{is_open} of {len(gates)} factors"))
        return rows

    def about_method(self) -> tuple[str, str]:
        """Return what the method does, and what it cannot do."""
        about = registry.ABOUT.get(self.method)
        return ("", "") if about is None else (about.summary, about.limits)

    def footer(self) -> str:
        """Return the line below everything."""
        made = f"{datetime.now(UTC):%Y-%m-%d}"
        return f"Made by stentrans {__version__} on {made}. Not for diagnosis."

    def _of_gene(self, gene: str, chance: float | None) -> GeneStory:
        held_out = self.results.held_out
        note = self.notes.get(gene, "")
        if held_out is None:
            return GeneStory(gene, note, "poor", UNTESTED, {}, None)
        scores = scores_of(held_out, gene)
        tone, sentence = verdict(pd.Series(scores), self.method, len(self.results.array))
        return GeneStory(gene, note, tone, sentence, scores, chance)

    def _chance(self) -> dict[str, float]:
        """Level of chance by gene."""
        held_out = self.results.held_out
        if held_out is None:
            return {}
        guess: NDArray[np.float32] = held_out.expression(self.genes, "log")
        truth = self.results.measured(self.genes, "log")
        levels = chance_levels(guess, truth)
        return dict(zip(self.genes, levels.tolist(), strict=True))


def story_of(label: str, results: Results, genes: Sequence[str], **told: Any) -> Story:
    """Make a story, each gene once; ``told`` are further fields of `Story`."""
    return Story(label, results, tuple(dict.fromkeys(genes)), **told)


def _settings(given: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in given.items()) or "default"
