"""Strict hold-outs: hide spots, predict them, score the hidden ones only."""

from __future__ import annotations

from stentrans.evaluation.holdout import HeldOut, hidden_folds
from stentrans.evaluation.report import evaluate

__all__ = ["HeldOut", "evaluate", "hidden_folds"]
