"""Two ways to label the same spots: how far they agree, and which label stands for which."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

NO_LABEL: Final = frozenset(
    ("", "na", "nan", "none", "null", "undetermined", "unknown", "unassigned", "unlabelled")
)
"""Words by which an annotation says that it does not know, in lower case."""


def is_labelled(annotation: pd.Series) -> NDArray[np.bool_]:
    """Mark the spots that an annotation says something about, shape ``(n_spots,)``."""
    words = annotation.astype(str).str.strip().str.lower()
    return np.asarray(~(words.isin(NO_LABEL) | annotation.isna()))


def likeness(labels: NDArray[np.int64], annotation: pd.Series) -> dict[str, float]:
    """Compare labels with an annotation of the same spots.

    Parameters
    ----------
    labels
        Shape ``(n_spots,)``.
    annotation
        Words, same length; spots of which it says nothing (`NO_LABEL`) play no part.

    Returns
    -------
    scores
        ``ari`` (adjusted Rand index, 0 by chance, 1 for the same parts), ``nmi`` (normalised
        mutual information, above 0 also by chance), ``spots`` compared. NaN where none is.
    """
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    known = is_labelled(annotation)
    if not known.any():
        return {"ari": np.nan, "nmi": np.nan, "spots": 0.0}
    one, other = labels[known], annotation[known].astype(str)
    return {
        "ari": float(adjusted_rand_score(other, one)),
        "nmi": float(normalized_mutual_info_score(other, one)),
        "spots": float(known.sum()),
    }


def matched(
    labels: NDArray[np.int64], reference: NDArray[np.int64], spots: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Rename labels so that as many spots as possible carry the same one as in ``reference``.

    Parameters
    ----------
    labels
        From 0, shape ``(n_sites,)``.
    reference
        From 0, shape ``(n_spots,)``.
    spots
        Which site each spot is, indices; None: the sites are the spots.

    Returns
    -------
    renamed
        By the Hungarian method, shape ``(n_sites,)``. A label without a counterpart gets a number
        of its own, above those of the reference.
    """
    from scipy.optimize import linear_sum_assignment

    shared = np.zeros((int(labels.max()) + 1, int(reference.max()) + 1), np.int64)
    np.add.at(shared, (labels if spots is None else labels[spots], reference), 1)
    ours, theirs = linear_sum_assignment(shared, maximize=True)
    name = np.full(shared.shape[0], -1, np.int64)
    name[ours] = theirs
    name[ours[shared[ours, theirs] == 0]] = -1
    name[name < 0] = shared.shape[1] + np.arange(int((name < 0).sum()))
    return np.asarray(name[labels])


def overlap(labels: NDArray[np.int64], reference: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the spots that carry each pair of labels, shape ``(n_labels, n_reference)``."""
    table = np.zeros((int(labels.max()) + 1, int(reference.max()) + 1), np.int64)
    np.add.at(table, (labels, reference), 1)
    return table
