"""Everything needed to make a result again."""

from __future__ import annotations

import platform
from contextlib import suppress
from importlib import metadata
from typing import TYPE_CHECKING, Any

from stentrans import __version__
from stentrans.methods.base import FitOptions, Fitted
from stentrans.methods.progress import STOPPED_EARLY
from stentrans.store import section_id

if TYPE_CHECKING:
    from anndata import AnnData


def provenance_of(
    tissue: AnnData, method: str, options: FitOptions, fitted: Fitted
) -> dict[str, Any]:
    """Everything needed to repeat the run, and what the fit found."""
    return {
        "version": __version__,
        "section": section_id(tissue),
        "spots": tissue.n_obs,
        "method": method,
        "seed": options.seed,
        "device": options.device,
        "settings": dict(options.settings),
        "fit": dict(fitted.summary),
    } | {name: told for name, told in fitted.summary.items() if name == STOPPED_EARLY}


def packages() -> dict[str, str]:
    """Return versions of what the numbers depend on, without importing any of it."""
    packages = {"Python": platform.python_version()}
    for name in ("numpy", "scipy", "torch"):
        with suppress(metadata.PackageNotFoundError):  # most methods do without torch
            packages[name] = metadata.version(name)
    return packages
