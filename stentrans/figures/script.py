"""The drawing library itself, for pages that must do without a network."""

from __future__ import annotations


def plotly_script() -> str:
    """Return plotly.js whole, as the Python package ships it; about 5 MB."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())
