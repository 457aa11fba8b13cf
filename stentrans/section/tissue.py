"""The invented tissue behind simulated sections: gene composition as a function of position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

SimulatedLattice = Literal["hexagonal", "square"]

FAMILIES: Final = {
    "Layer1": 12,
    "Layer2": 12,
    "Layer3": 12,
    "Layer4": 12,
    "Layer5": 12,
    "Blob1": 10,
    "Blob2": 10,
    "Blob3": 10,
    "Gradient": 30,
    "Ring": 12,
    "Border": 12,
    "Texture": 12,
    "Rare": 10,
    "Flat": 134,
}
"""Genes per family; a family follows one pattern, ``Flat`` none."""
N_LAYERS: Final = 5
N_BLOBS: Final = 3
GENE_NAMES: Final = tuple(
    f"{family}-{number:02d}" for family, size in FAMILIES.items() for number in range(1, size + 1)
)
CHUNK: Final = 8192
"""Positions evaluated at once, which bounds the memory."""


@dataclass(frozen=True, eq=False)
class Tissue:
    """Patterns and genes of one invented tissue; a pure function of its four parameters.

    Parameters
    ----------
    lattice
        ``"hexagonal"`` (pitch: two columns) or ``"square"``.
    n_rows, n_cols
        Size of the array in array rows and columns.
    seed
        Chooses shapes, genes and rare places.
    """

    lattice: SimulatedLattice
    n_rows: int
    n_cols: int
    seed: int

    def plane(self, array: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (x, y) in pitches, origin at the centre, for array positions (n, 2)."""
        row = array[:, 0] - (self.n_rows - 1) / 2
        col = array[:, 1] - (self.n_cols - 1) / 2
        if self.lattice == "hexagonal":
            return np.column_stack([col * 0.5, row * (np.sqrt(3.0) / 2)])
        return np.column_stack([col, row])

    @property
    def half_size(self) -> NDArray[np.float64]:
        """Half width and half height of the array in pitches, shape (2,)."""
        corner = np.array([[self.n_rows - 1, self.n_cols - 1]], dtype=np.float64)
        half: NDArray[np.float64] = np.maximum(self.plane(corner)[0], 1.0)
        return half

    def rng(self, purpose: int) -> np.random.Generator:
        """Return the generator of one purpose, so that none depends on another's draws."""
        return np.random.default_rng(np.random.SeedSequence([self.seed, purpose]))

    def inside(self, array: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Mark the positions within the irregular outline of the tissue, shape ``(n,)``."""
        xy = self.plane(array) / (self.half_size + 0.5)
        angle = np.arctan2(xy[:, 1], xy[:, 0])
        rng = self.rng(1)
        radius = np.full(len(xy), 1.02)
        for wave in range(2, 7):
            size, phase = rng.normal(0.0, 0.16 / wave), rng.uniform(0.0, 2 * np.pi)
            radius += size * np.cos(wave * angle + phase)
        # A rounded rectangle fills the array better than an ellipse.
        return np.asarray((np.abs(xy) ** 3).sum(axis=1) ** (1 / 3) < radius)

    def in_hole(self, array: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Mark the positions whose spots were lost, shape ``(n,)``: two round holes."""
        xy = self.plane(array)
        rng = self.rng(2)
        lost = np.zeros(len(xy), dtype=bool)
        for radius in (2.6, 1.3):
            centre = rng.uniform(-0.45, 0.45, size=2) * self.half_size
            limit = max(min(radius, 0.2 * float(self.half_size.min())), 0.6)
            lost |= np.hypot(*(xy - centre).T) < limit
        return lost

    def patterns(self, array: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return the strength of each pattern at array positions, each ``(n,)`` in [0, 1]."""
        xy = self.plane(array)
        uv = xy / self.half_size
        depth = self._depth(uv)
        found = {f"Layer{layer + 1}": self._layer(depth, layer) for layer in range(N_LAYERS)}
        found |= self._blobs(xy)
        found |= self._gradients(uv)
        found["Ring"] = self._ring(xy)
        found["Border"] = np.exp(-0.5 * (self._depth_gap(depth) / 0.7) ** 2)
        found["Texture"] = self._texture(xy)
        found["Rare"] = self._rare(xy)
        return found

    def composition(self, array: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return each gene's share of the counts at array positions; rows sum to 1."""
        base, loadings = self._genes()
        shares = np.empty((len(array), len(GENE_NAMES)))
        for start in range(0, len(array), CHUNK):
            part = slice(start, start + CHUNK)
            strengths = np.column_stack(list(self.patterns(array[part]).values()))
            level = np.exp(base + strengths @ loadings)
            shares[part] = level / level.sum(axis=1, keepdims=True)
        return shares

    def domain(self, array: NDArray[np.float64]) -> list[str]:
        """Return the region each position belongs to: a blob where it lies in one, else a layer."""
        patterns = self.patterns(array)
        layers = np.column_stack([patterns[f"Layer{layer + 1}"] for layer in range(N_LAYERS)])
        names = [f"Layer{layer + 1}" for layer in layers.argmax(axis=1)]
        for blob in range(1, N_BLOBS + 1):
            within = patterns[f"Blob{blob}"] > 0.5
            names = [f"Blob{blob}" if w else n for n, w in zip(names, within, strict=True)]
        return names

    def _depth(self, uv: NDArray[np.float64]) -> NDArray[np.float64]:
        """Wavy depth across the tissue, in layers, so that borders lie at whole numbers."""
        rng = self.rng(3)
        phase = rng.uniform(0.0, 2 * np.pi, size=3)
        bend = 0.18 * np.sin(2.2 * uv[:, 0] + phase[0]) + 0.07 * np.sin(5.0 * uv[:, 0] + phase[1])
        tilt = rng.uniform(-0.15, 0.15)
        depth: NDArray[np.float64] = (uv[:, 1] + bend + tilt * uv[:, 0] + 1.0) / 2 * N_LAYERS
        return depth

    def _depth_gap(self, depth: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distance to the nearest border between layers, in pitches."""
        pitches = 2 * self.half_size[1] / N_LAYERS
        inner = np.clip(np.rint(depth), 1, N_LAYERS - 1)
        gap: NDArray[np.float64] = (depth - inner) * pitches
        return gap

    def _layer(self, depth: NDArray[np.float64], layer: int) -> NDArray[np.float64]:
        """Membership of one layer: borders alternate between sharp and soft."""
        pitches = 2 * self.half_size[1] / N_LAYERS
        above = np.ones_like(depth) if layer == 0 else _step((depth - layer) * pitches, layer)
        is_last = layer == N_LAYERS - 1
        below = 0.0 if is_last else _step((depth - layer - 1) * pitches, layer + 1)
        share: NDArray[np.float64] = np.clip(above - below, 0.0, 1.0)
        return share

    def _blobs(self, xy: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Ellipses: one with a sharp edge, the others softer."""
        rng = self.rng(4)
        blobs = {}
        for blob, softness in enumerate((0.15, 0.6, 1.5), start=1):
            centre = rng.uniform(-0.6, 0.6, size=2) * self.half_size
            axes = rng.uniform(0.16, 0.3, size=2) * self.half_size.min() + 0.5
            turn = rng.uniform(0.0, np.pi)
            rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
            away = np.hypot(*(((xy - centre) @ rotation) / axes).T)
            blobs[f"Blob{blob}"] = _sigmoid((1.0 - away) * axes.mean() / softness)
        return blobs

    def _gradients(self, uv: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Two slopes across the whole tissue and a slow hill."""
        rng = self.rng(5)
        turns = rng.uniform(0.0, 2 * np.pi) + np.array([0.0, np.pi / 2])
        found = {}
        for number, turn in enumerate(turns, start=1):
            along = uv @ np.array([np.cos(turn), np.sin(turn)])
            found[f"Gradient{number}"] = np.clip(0.5 + 0.4 * along, 0.0, 1.0)
        hill = uv - rng.uniform(-0.4, 0.4, size=2)
        found["Gradient3"] = np.exp(-1.5 * (hill**2).sum(axis=1))
        return found

    def _ring(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bell-shaped ring two pitches wide."""
        rng = self.rng(6)
        centre = rng.uniform(-0.4, 0.4, size=2) * self.half_size
        radius = 0.35 * self.half_size.min()
        ring: NDArray[np.float64] = np.exp(-0.5 * (np.hypot(*(xy - centre).T) - radius) ** 2)
        return ring

    def _texture(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Stripes with a wavelength of five pitches."""
        rng = self.rng(7)
        turn, phase = rng.uniform(0.0, 2 * np.pi, size=2)
        along = xy @ np.array([np.cos(turn), np.sin(turn)])
        return np.asarray(0.5 + 0.5 * np.sin(2 * np.pi / 5.0 * along + phase))

    def _rare(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Small peaks, about one in a hundred positions, each of one or two spots."""
        rng = self.rng(8)
        area = float(4 * self.half_size.prod())
        strength = np.zeros(len(xy))
        for _ in range(max(2, round(min(area, 20_000.0) / 100))):
            centre = rng.uniform(-0.9, 0.9, size=2) * self.half_size
            peak = np.exp(-0.5 * ((xy - centre) ** 2).sum(axis=1) / 0.5**2)
            np.maximum(strength, peak, out=strength)
        return strength

    def _genes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Base level of each gene (log) and its response to each pattern (n_patterns, n_genes)."""
        rng = self.rng(9)
        base = rng.normal(0.0, 1.6, size=len(GENE_NAMES))
        names = list(self.patterns(np.zeros((1, 2))))
        loadings = np.zeros((len(names), len(GENE_NAMES)))
        first = 0
        for family, size in FAMILIES.items():
            rows = [place for place, name in enumerate(names) if name.startswith(family)]
            for gene in range(first, first + size if rows else first):
                row = rows[(gene - first) % len(rows)]
                loadings[row, gene] = rng.uniform(0.8, 2.2)
            first += size
        return base, loadings


def _sigmoid(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logistic curve without overflow."""
    curve: NDArray[np.float64] = 0.5 * (1.0 + np.tanh(0.5 * value))
    return curve


def _step(pitches: NDArray[np.float64], border: int) -> NDArray[np.float64]:
    """Rise from 0 to 1 at a border: within a tenth of a pitch at odd ones, else over one."""
    return _sigmoid(pitches / (0.1 if border % 2 else 0.8))
