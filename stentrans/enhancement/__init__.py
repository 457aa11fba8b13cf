"""Enhance a section, or predict at chosen positions; results stay factors until a gene is read."""

from stentrans.enhancement.making import DEVICES, enhance, impute
from stentrans.enhancement.result import Enhancement
from stentrans.enhancement.tissue import prepare

__all__ = [
    "DEVICES",
    "Enhancement",
    "enhance",
    "impute",
    "prepare",
]
