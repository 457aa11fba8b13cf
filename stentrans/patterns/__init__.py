"""Patterns in space: which genes vary, with the evidence beside the finding."""

from __future__ import annotations

from stentrans.patterns.variable_genes import variable_genes

__all__ = ["variable_genes"]
