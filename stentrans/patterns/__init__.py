"""Patterns in space, with the evidence beside the finding."""

from __future__ import annotations

from stentrans.patterns.before_after import before_after
from stentrans.patterns.domains import Domains, find_domains
from stentrans.patterns.modules import Modules, find_modules
from stentrans.patterns.pathways import enriched, enriched_in_ranking
from stentrans.patterns.replicate import replicated
from stentrans.patterns.support import supported_genes
from stentrans.patterns.variable_genes import variable_genes

__all__ = [
    "Domains",
    "Modules",
    "before_after",
    "enriched",
    "enriched_in_ranking",
    "find_domains",
    "find_modules",
    "replicated",
    "supported_genes",
    "variable_genes",
]
