"""From a run to the function of the library that does its work; see `stentrans.jobs.kinds`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anndata import AnnData

    from stentrans.enhancement import Enhancement
    from stentrans.evaluation.holdout import HeldOut
    from stentrans.evaluation.judgement import Judgement
    from stentrans.evaluation.lost import Filled
    from stentrans.evaluation.revealed import Revealed
    from stentrans.evaluation.scored import Scored
    from stentrans.export import Order
    from stentrans.jobs.evidence import Evidence, Lists
    from stentrans.methods.base import OnProgress
    from stentrans.patterns.regions import Markers
    from stentrans.patterns.tables import Tables
    from stentrans.store import Run


def enhance(section: AnnData, run: Run, on_progress: OnProgress) -> Enhancement:
    """See `stentrans.enhance`."""
    from stentrans.enhancement import enhance as enhance_section

    return enhance_section(
        section,
        factor=run.factor,
        method=run.method,
        fill_gaps=run.fill_gaps,
        seed=run.seed,
        device=run.device,
        on_progress=on_progress,
        **dict(run.settings),
    )


def holdout(section: AnnData, run: Run, on_progress: OnProgress) -> HeldOut:
    """See `stentrans.evaluation.holdout.hidden_folds`."""
    from stentrans.evaluation.holdout import hidden_folds

    return hidden_folds(
        section,
        method=run.method,
        seed=run.seed,
        device=run.device,
        on_progress=on_progress,
        **dict(run.settings),
    )


def evaluate(section: AnnData, run: Run, on_progress: OnProgress) -> Judgement:
    """See `stentrans.evaluation.judgement.judge`; its arguments are the settings of the run."""
    from stentrans.evaluation.judgement import judge

    told = dict(run.settings)
    return judge(section, seed=run.seed, device=run.device, on_progress=on_progress, **told)


def scores(section: AnnData, run: Run, on_progress: OnProgress) -> Scored:
    """See `stentrans.evaluation.scored.score_methods`; its arguments are the settings."""
    from stentrans.evaluation.scored import score_methods

    told = dict(run.settings)
    return score_methods(section, seed=run.seed, device=run.device, on_progress=on_progress, **told)


def reveal(section: AnnData, run: Run, on_progress: OnProgress) -> Revealed:
    """See `stentrans.evaluation.revealed.reveal`: ``hidden``, and ``method_settings`` as pairs."""
    from stentrans.evaluation.revealed import reveal as reveal_spots

    told = dict(run.settings)
    return reveal_spots(
        section,
        told.pop("hidden"),
        method=run.method,
        settings=dict(told.pop("method_settings", ())),
        seed=run.seed,
        device=run.device,
        on_progress=on_progress,
        **told,
    )


def fill(section: AnnData, run: Run, on_progress: OnProgress) -> Filled:
    """See `stentrans.evaluation.lost.fill`: ``lost``, and ``method_settings`` as pairs."""
    from stentrans.evaluation.lost import fill as fill_areas

    told = dict(run.settings)
    return fill_areas(
        section,
        told.pop("lost"),
        method=run.method,
        settings=dict(told.pop("method_settings", ())),
        seed=run.seed,
        device=run.device,
        on_progress=on_progress,
        **told,
    )


def markers(section: AnnData, run: Run, on_progress: OnProgress) -> Markers:
    """See `stentrans.patterns.regions.markers`: ``region``, ``reference`` and ``test``."""
    from stentrans.patterns.regions import markers as compare

    told = dict(run.settings)
    spots = told.pop("region"), told.pop("reference", ())
    return compare(section, *spots, on_progress=on_progress, **told)


def export(enhancement: Enhancement, run: Run, on_progress: OnProgress) -> Order:
    """See `stentrans.export.write`; the file is written when the result is saved."""
    from stentrans.export import Order

    told = dict(run.settings)
    return Order(
        enhancement,
        suffix=told["suffix"],
        genes=told["genes"],
        scale=told["scale"],
        layers=told["layers"],
        on_progress=on_progress,
    )


def patterns(section: AnnData, run: Run, on_progress: OnProgress) -> Tables:
    """See `stentrans.patterns.measured.measured_patterns`: ``n_domains``, 0 for any number."""
    from stentrans.patterns.measured import measured_patterns

    n_domains = int(dict(run.settings).get("n_domains", 0)) or None
    return measured_patterns(section, n_domains=n_domains, seed=run.seed, on_progress=on_progress)


def before_after(evidence: Evidence, run: Run, on_progress: OnProgress) -> Tables:
    """See `stentrans.patterns.measured.enhanced_patterns`; its source is what was enhanced."""
    from stentrans.patterns.measured import enhanced_patterns

    return enhanced_patterns(
        evidence.section,
        evidence.enhancement,
        evidence.held_out,
        gene_sets=dict(evidence.gene_sets),
        n_domains=int(dict(run.settings).get("n_domains", 0)) or None,
        seed=run.seed,
        on_progress=on_progress,
    )


def pathways(lists: Lists, run: Run, on_progress: OnProgress) -> Tables:
    """See `stentrans.patterns.lists.pathways_of`: ``which`` list, or a ``region`` of spots."""
    from stentrans.patterns.lists import gene_list, pathways_of, region_list

    told = dict(run.settings)
    if lists.found is None:
        asked = region_list(lists.section, told["region"])
    else:
        asked = gene_list(lists.section, lists.found, str(told["which"]))
    return pathways_of(asked, lists.gene_sets, seed=run.seed, on_progress=on_progress)


def replicate(lists: Lists, run: Run, on_progress: OnProgress) -> Tables:
    """See `stentrans.patterns.replicate.replicated`; its source is what was found here."""
    from stentrans.patterns.replicate import replicated
    from stentrans.patterns.tables import Tables
    from stentrans.patterns.variable_genes import variable_genes

    assert lists.found is not None, "the page names the patterns of this section"
    assert lists.other is not None, "the page names another section"
    other = variable_genes(lists.other, seed=run.seed, on_progress=on_progress)
    return Tables({"replicated": replicated(lists.found["genes"], other)})
