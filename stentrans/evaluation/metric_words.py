"""What each metric is called, what it means, and which way is better; each written once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True)
class MetricWords:
    """A metric in words.

    Parameters
    ----------
    title
        Its name for people.
    meaning
        What it means, in one line.
    better
        Which way is better; ``"neither"`` for those that describe and rank nothing.
    best
        The value that nothing passes; None where there is none.
    """

    title: str
    meaning: str
    better: Better = "higher"
    best: float | None = 1.0


METRICS: Final[Mapping[str, MetricWords]] = MappingProxyType(
    {
        "depth_adjusted": MetricWords(
            "Depth-adjusted correlation",
            "correlation beyond what depth explains; higher is better, 0 = nothing",
        ),
        "log_normalised": MetricWords(
            "Correlation", "correlation of log values; higher is better, 0 = knows nothing"
        ),
        "deviance_explained": MetricWords(
            "Deviance explained",
            "of counts; higher is better, 0 = mean composition, negative = worse",
        ),
        "spearman": MetricWords(
            "Rank correlation",
            "rank correlation of log values; higher is better, 0 = knows nothing",
        ),
        "profile": MetricWords(
            "Profile correlation",
            "correlation over genes, spot by spot; higher is better, 0 = knows nothing",
        ),
        "gene_deviance_explained": MetricWords(
            "Deviance explained by gene",
            "of counts, gene by gene; higher is better, 0 = the mean",
        ),
        "rmse": MetricWords(
            "Error", "error of log values; lower is better, 0 = perfect", "lower", 0.0
        ),
        "coverage_50": MetricWords(
            "In the 50 % interval",
            "share of values in the 50 % interval; best is 0.5",
            "neither",
            0.5,
        ),
        "coverage_80": MetricWords(
            "In the 80 % interval",
            "share of values in the 80 % interval; best is 0.8",
            "neither",
            0.8,
        ),
        "coverage_95": MetricWords(
            "In the 95 % interval",
            "share of values in the 95 % interval; best is 0.95",
            "neither",
            0.95,
        ),
        "ssim": MetricWords(
            "Structural similarity",
            "likeness of maps, 1 = same; rewards noise too: for description only",
            "neither",
        ),
        "morans_i": MetricWords(
            "Moran's I",
            "smoothness of the prediction; rewards blur: for description only",
            "neither",
            None,
        ),
        "morans_i_true": MetricWords(
            "Moran's I, measured",
            "smoothness of the measured map, its noise included: for description only",
            "neither",
            None,
        ),
        "composition_variance": MetricWords(
            "Predicted variance",
            "how much the prediction varies; should be 0 in the null: no score",
            "neither",
            None,
        ),
        "ceiling": MetricWords(
            "Noise ceiling",
            "correlation that counting noise allows: the most a method can reach",
            "neither",
        ),
        "published_pearson": MetricWords(
            "Published score", "correlation of raw counts, seen spots too; 1 = learnt by heart"
        ),
    }
)
"""By the name that `stentrans.evaluate` uses."""
