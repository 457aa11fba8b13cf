"""Strict hold-outs: hide spots, predict them, score the hidden ones only."""

from __future__ import annotations

from stentrans.evaluation.holdout import HeldOut, hidden_folds
from stentrans.evaluation.report import DEFAULT_METHODS, Comparison, compare, evaluate
from stentrans.evaluation.summary import summarise

__all__ = [
    "DEFAULT_METHODS",
    "Comparison",
    "HeldOut",
    "compare",
    "evaluate",
    "hidden_folds",
    "summarise",
]
