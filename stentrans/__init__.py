"""Raise the resolution of spatial transcriptomics sections and fill lost areas.

The public names load on first use, so that ``import stentrans`` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stentrans.enhancement import Enhancement, enhance, impute
    from stentrans.evaluation import evaluate
    from stentrans.methods.registry import METHODS
    from stentrans.report.gene_figure import gene_figure
    from stentrans.section import read, simulate

__version__ = "0.1.0"

__all__ = [
    "METHODS",
    "Enhancement",
    "__version__",
    "enhance",
    "evaluate",
    "gene_figure",
    "impute",
    "read",
    "simulate",
]

_HOME_OF = {
    "METHODS": "stentrans.methods.registry",
    "Enhancement": "stentrans.enhancement",
    "enhance": "stentrans.enhancement",
    "evaluate": "stentrans.evaluation",
    "gene_figure": "stentrans.report.gene_figure",
    "impute": "stentrans.enhancement",
    "read": "stentrans.section",
    "simulate": "stentrans.section",
}


def __getattr__(name: str) -> object:
    """Import a public name from its room when it is asked for."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'stentrans' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
