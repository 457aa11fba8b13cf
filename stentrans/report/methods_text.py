"""The methods paragraph of a paper, written from what a run says of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from stentrans.evaluation.holdout import RIVALS
from stentrans.methods import registry
from stentrans.words import UNITS, Reading, method_name

FACTORS: Final = ("stentrans", "kernel", "prior")
"""Methods that share the spatial prior."""


def methods_paragraph(
    label: str,
    provenance: Mapping[str, Any],
    sizes: Mapping[str, int],
    *,
    reading: Reading = "composition",
    tested: Mapping[str, float] | None = None,
    n_spots: int = 0,
) -> str:
    """Write what was done, for the methods section of a paper.

    Parameters
    ----------
    label
        What the section is called.
    provenance
        Of the enhancement; see `Enhancement.provenance`.
    sizes
        Number of sites by origin.
    reading
        How expression is shown.
    tested
        Means of the test on hidden spots, see `HeldOut.summary`; None where there was none.
    n_spots
        Spots on tissue.

    Returns
    -------
    paragraph
        Sentences; plain text.
    """
    sentences = [
        _what(label, provenance, sizes, n_spots),
        _how(provenance),
        _stopped(provenance),
        _shown(reading),
        _tested(provenance, tested),
        _made_with(provenance),
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _what(label: str, provenance: Mapping[str, Any], sizes: Mapping[str, int], n_spots: int) -> str:
    lattice = provenance.get("lattice")
    pitch = provenance.get("pitch_um")
    facts = [f"{n_spots:,} spots"]
    facts += [f"{provenance['genes']:,} genes"] if "genes" in provenance else []
    facts += [f"{lattice} lattice"] if lattice else []
    facts += [f"spots {pitch:g} µm apart"] if pitch else []
    factor = provenance.get("factor", 1)
    parts = [f"{sizes.get('measured', 0):,} measured spots"]
    parts += [f"{sizes['inserted']:,} sites between them"] if sizes.get("inserted") else []
    n_gaps = sizes.get("gap", 0)
    parts += [f"{n_gaps:,} gap{'' if n_gaps == 1 else 's'} in the tissue"] if n_gaps else []
    times = f"{factor} times as finely along each axis" if factor > 1 else "at the spots"
    return (
        f"Expression in the section {label} ({', '.join(facts)}) was predicted {times} with "
        f"stentrans {provenance['version']} (method {provenance['method']}, seed "
        f"{provenance['seed']}, {_settings(provenance)}), at {_listed(parts)}."
    )


def _settings(provenance: Mapping[str, Any]) -> str:
    given = provenance.get("settings") or {}
    if not given:
        return "default settings"
    return "settings " + ", ".join(f"{name} = {value}" for name, value in given.items())


def _how(provenance: Mapping[str, Any]) -> str:
    method, fit = provenance["method"], provenance.get("fit", {})
    if method not in FACTORS:
        about = registry.ABOUT.get(method)
        return "" if about is None else f"The method: {about.summary} {about.citation}"
    sentences = [
        "The method learns from the counts and positions of this section alone. "
        f"Counts are modelled as Poisson around a composition of {fit.get('rank', '?')} factors, "
        f"found in {fit.get('basis_genes', 0):,} genes, and a depth; both are interpolated by "
        "kriging that is averaged over covariance settings by their evidence."
    ]
    if method != "prior":
        sentences.append(_corrections(fit, with_network=method == "stentrans"))
    sentences.append(
        "At measured spots the prediction is joined, gene by gene, with the spot's own counts."
    )
    return " ".join(sentences)


def _corrections(fit: Mapping[str, Any], *, with_network: bool) -> str:
    """Say how many factors each step corrected, and how far."""
    parts = [f"a kernel on spots that look alike corrected {_gates(fit, 'kernel_gate')}"]
    if with_network:
        parts.append(f"a Transformer trained on the section corrected {_gates(fit, 'gate')}")
    return (
        f"Of these factors, {' and '.join(parts)}; a factor is corrected only as far as that "
        "helped on spots that had not been seen."
    )


def _gates(fit: Mapping[str, Any], name: str) -> str:
    gates: Sequence[float] = fit.get(name, ())
    open_ones = [gate for gate in gates if gate > 0]
    if not open_ones:
        return "none"
    return f"{len(open_ones)} (mean gate {sum(open_ones) / len(open_ones):.2f})"


def _stopped(provenance: Mapping[str, Any]) -> str:
    if not provenance.get("stopped_early"):
        return ""
    return (
        "Training was ended by hand before it was done; the same settings do not give the same "
        "numbers again."
    )


def _shown(reading: Reading) -> str:
    told = {
        "composition": "Values are natural log1p of expected counts at the median depth of the "
        "section, so that depth plays no part; measured values are scaled to the same depth.",
        "log": "Values are natural log1p of counts scaled to the median depth, with differences "
        "of depth kept in the prediction.",
        "counts": "Values are expected UMI counts.",
    }
    return told.get(reading, UNITS[reading])


def _tested(provenance: Mapping[str, Any], tested: Mapping[str, float] | None) -> str:
    if tested is None:
        return "The prediction was not tested on hidden spots."
    method = provenance["method"]
    others = [
        f"{method_name(name)} {tested[f'pearson_{name}']:.2f}"
        for name in RIVALS
        if name != method and f"pearson_{name}" in tested
    ]
    beside = f" ({', '.join(others)})" if others else ""
    ceiling = tested.get("ceiling")
    allowed = "" if ceiling is None else f"; counting noise allows about {ceiling:.2f}"
    return (
        "To test it, every spot was hidden once, a fifth of them at a time, and predicted from "
        "the others; hidden spots took no part in gene choice, normalisation or training. Over "
        f"the {tested['genes']:,.0f} genes seen in more than 10 % of the spots, the mean "
        f"correlation of predicted and measured log values was {tested['pearson']:.2f}"
        f"{beside}{allowed}."
    )


def _made_with(provenance: Mapping[str, Any]) -> str:
    packages: Mapping[str, str] = provenance.get("packages") or {}
    if not packages:
        return ""
    told = ", ".join(f"{name} {number}" for name, number in packages.items())
    return f"Computed with {told}; the section's content has the id {provenance['section']}."


def _listed(parts: Sequence[str]) -> str:
    """Join parts as in a sentence."""
    if len(parts) == 1:
        return parts[0]
    return ", ".join(parts[:-1]) + " and " + parts[-1]
