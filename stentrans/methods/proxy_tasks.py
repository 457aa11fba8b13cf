"""Self-supervised tasks on the section itself: hide spots, predict them from the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from stentrans.methods.local_kriging import Kriged, LocalKriging
from stentrans.methods.progress import pulse

WINDOW = 600  # spots a task is cut from, so that its cost does not grow with the section
NEAREST = 24  # visible spots around a site
ALIKE = 40  # visible spots from anywhere that the prior says the same of
KERNEL_WIDTHS = (0.15, 0.3, 0.6, 1.2)  # of likeness, in standard deviations of the factors
_SITES_PER_CHUNK = 2048
_MOST_TO_COMPARE = 2000  # spots among which those are looked for
_LEAST_VISIBLE = 12
_KINDS = ("random", "holes", "thinned")
_KIND_SHARES = (0.6, 0.2, 0.2)


@dataclass(frozen=True)
class Task:
    """What the network sees of one task; see `SpotTransformer.forward` for the arrays.

    Parameters
    ----------
    targets
        Indices of the hidden spots in the whole section, shape ``(N,)``.
    sites, spots, near, distance
        Tokens of hidden and visible spots, and which of the visible each hidden one attends to.
    prior
        Kriged factors at the hidden spots, shape ``(N, rank)``.
    """

    targets: NDArray[np.int64]
    sites: NDArray[np.float32]
    spots: NDArray[np.float32]
    near: NDArray[np.int64]
    distance: NDArray[np.float32]
    prior: NDArray[np.float32]


def draw_task(
    local: LocalKriging,
    lines: NDArray[np.int64],
    content: NDArray[np.int64],
    rng: np.random.Generator,
) -> Task:
    """Hide some spots of a window: scattered ones, a few holes, or all but every second line.

    Parameters
    ----------
    local
        Kriging of the factors from all spots.
    lines
        Lattice lines of the spots along both axes, shape ``(n_spots, 2)``.
    content
        Factors by which spots are alike.
    rng
        Draws the window and what is hidden.
    """
    window = _window(local.plane, rng)
    visible = _visible(local.plane[window], lines[window], rng)
    return make_task(local, window[visible], window[~visible], content, rng)


def make_task(
    local: LocalKriging,
    visible: NDArray[np.int64],
    hidden: NDArray[np.int64],
    content: NDArray[np.int64],
    rng: np.random.Generator,
) -> Task:
    """Predict chosen hidden spots from chosen visible ones.

    Everything a token holds is computed from the visible spots alone: leave-one-out values that
    had seen the hidden spots would give them away.
    """
    seen = local.of_spots(visible)
    at = local.plane[hidden]
    view = SpotView(seen, seen.leave_one_out(), content, rng)
    sites, near, distance = view.look(at, prior := seen.predict(at))
    return Task(hidden, sites, view.tokens, near, distance, prior.mean.astype(np.float32))


class SpotView:
    """The visible spots as sites see them.

    Parameters
    ----------
    seen
        Kriging from the visible spots.
    left_out
        Their leave-one-out predictions.
    content
        Factors by which spots are alike: those that space predicts.
    rng
        Draws the spots to compare with once, so that the answer at a site depends on no other.
    """

    def __init__(
        self,
        seen: LocalKriging,
        left_out: Kriged,
        content: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> None:
        self.seen, self.content = seen, content
        self.tokens = np.hstack([seen.factors, left_out.mean]).astype(np.float32)
        n_spots = len(seen.plane)
        compared = rng.choice(n_spots, min(_MOST_TO_COMPARE, n_spots), replace=False)
        self.compared = np.sort(compared)
        # A factor that the prior predicts badly says little about who is alike.
        error = ((seen.factors - left_out.mean)[:, content] ** 2).mean(0)
        spread = np.maximum(seen.factors[:, content].var(0), 1e-12)
        self.weight = np.sqrt(np.clip(1 - error / spread, 0, 1))
        self.known = left_out.mean[np.ix_(self.compared, content)] * self.weight
        self.usual = left_out.variance[:, content].mean(0)
        # Distances count in spacings of what is visible, so that a thinned section looks alike.
        fourth = min(5, n_spots)  # a spot is nearest to itself
        self.spacing = float(np.median(seen.nearest(seen.plane, fourth)[0][:, -1]))

    def look(
        self, at: NDArray[np.float64], prior: Kriged
    ) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
        """Tokens of sites, the spots they attend to, and the distances to them."""
        starts = range(0, max(len(at), 1), _SITES_PER_CHUNK)
        parts = [
            self._look(at[rows], Kriged(prior.mean[rows], prior.variance[rows]))
            for rows in (slice(start, start + _SITES_PER_CHUNK) for start in starts)
        ]
        sites, near, distance = (np.concatenate(column) for column in zip(*parts, strict=True))
        return sites, near, distance

    def _look(
        self, at: NDArray[np.float64], prior: Kriged
    ) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
        """Look from a few sites."""
        pulse()
        distance, near = self.seen.nearest(at, min(NEAREST, len(self.seen.plane)))
        unlike = cdist(prior.mean[:, self.content] * self.weight, self.known, "sqeuclidean")
        alike, kernels = self._alike(unlike), self._kernels(unlike, self._doubt(prior))
        far = np.linalg.norm(at[:, None] - self.seen.plane[alike], axis=-1)
        sites = np.hstack([prior.mean, np.sqrt(prior.variance), *kernels]).astype(np.float32)
        distances = np.hstack([distance, far]) / self.spacing
        return sites, np.hstack([near, alike]), distances.astype(np.float32)

    def _alike(self, unlike: NDArray[np.float64]) -> NDArray[np.int64]:
        """The spots of which the prior says most nearly the same, shape ``(N, ALIKE)``."""
        count = min(ALIKE, len(self.compared))
        if count < len(self.compared):
            order = np.argpartition(unlike, count - 1, axis=1)[:, :count]
        else:
            order = np.broadcast_to(np.arange(count), unlike.shape)
        return self.compared[order]

    def _doubt(self, prior: Kriged) -> NDArray[np.float64]:
        """Variance by which sites are known worse than the spots are, ``(N, 1)``.

        In a hole the prior goes to the mean, and so does what it says of a site: what is alike
        there must be looked for more widely.
        """
        beyond = np.maximum(prior.variance[:, self.content] - self.usual, 0)
        squared = self.weight**2
        return np.asarray(beyond @ squared**2 / max(float(squared.sum()), 1e-12))[:, None]

    def _kernels(
        self, unlike: NDArray[np.float64], doubt: NDArray[np.float64]
    ) -> list[NDArray[np.float64]]:
        """Mean factors of all compared spots, weighted by likeness, for each kernel width."""
        unlike = unlike - unlike.min(1, keepdims=True)
        factors, means = self.seen.factors[self.compared], []
        for width in KERNEL_WIDTHS:
            weight = np.exp(-0.5 / (width**2 + doubt) * unlike)
            means.append(weight @ factors / weight.sum(1, keepdims=True))
        return means


def _window(plane: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Indices of a compact window of spots; all of a small section."""
    if len(plane) <= WINDOW:
        return np.arange(len(plane))
    centre = plane[rng.integers(len(plane))]
    return np.argsort(((plane - centre) ** 2).sum(1), kind="stable")[:WINDOW]


def _visible(
    plane: NDArray[np.float64], lines: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Mark the spots of a window that stay visible."""
    n_spots, kind = len(plane), rng.choice(_KINDS, p=_KIND_SHARES)
    if kind == "holes":
        centres = plane[rng.integers(n_spots, size=rng.integers(1, 4))]
        radius = rng.uniform(1.2, 3.5, size=len(centres))
        far = np.linalg.norm(plane[:, None] - centres, axis=-1) > radius
        visible = far.all(1)
    elif kind == "thinned":
        visible = ((lines + rng.integers(2, size=2)) % 2 == 0).all(1)
    else:
        visible = rng.random(n_spots) < rng.uniform(0.25, 0.8)
    if visible.sum() < _LEAST_VISIBLE or visible.all():
        visible = np.arange(n_spots) % 2 == 0
    return np.asarray(visible)
