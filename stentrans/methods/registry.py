"""Every method by name, imported on use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final, cast

from numpy.typing import NDArray

from stentrans.errors import MissingKeyError
from stentrans.methods.base import Decoder, Method


@dataclass(frozen=True)
class MethodInfo:
    """What a user should know before choosing a method.

    Parameters
    ----------
    name
        Name in `METHODS`.
    summary
        One line for a menu.
    citation
        Where the method comes from.
    limits
        What it cannot do, honestly.
    keeps_measured
        Whether values at measured spots are the measured ones (True) or estimated anew (False).
    home
        ``module:Class`` of the implementation.
    """

    name: str
    summary: str
    citation: str
    limits: str
    keeps_measured: bool
    home: str


_INFOS: Final = (
    MethodInfo(
        name="stentrans",
        summary="Attention over spots on a spatial prior, trained on the section itself.",
        citation="This package; after stEnTrans (arXiv:2407.08224), with a model-averaged prior.",
        limits="Learns from one section: what no neighbouring spot shows it cannot invent.",
        keeps_measured=False,
        home="stentrans.methods.stentrans:Stentrans",
    ),
    MethodInfo(
        name="kernel",
        summary="The prior, corrected by spots that look alike; stentrans before any training.",
        citation="This package; kernel regression on the kriged factors.",
        limits="One measure of likeness for the whole section.",
        keeps_measured=False,
        home="stentrans.methods.stentrans:Kernel",
    ),
    MethodInfo(
        name="prior",
        summary="The spatial prior of stentrans alone: count model on kriged factors.",
        citation="This package; kriging averaged over settings by evidence, Poisson loadings.",
        limits="Sees position only: no factor can tell it about another.",
        keeps_measured=False,
        home="stentrans.methods.prior:Prior",
    ),
    MethodInfo(
        name="lowrank_kriging",
        summary="Kriging of the ten leading principal components; fast and smooth.",
        citation="Principal components with Matérn 3/2 kriging (Cressie, Statistics for Spatial "
        "Data, 1993).",
        limits="One smoothness per component; depth and composition stay mixed.",
        keeps_measured=False,
        home="stentrans.methods.lowrank:LowrankKriging",
    ),
    MethodInfo(
        name="kriging",
        summary="Every gene kriged by itself, as smooth as spots left out of it ask for.",
        citation="Simple kriging with Matérn 3/2 covariance (Cressie, Statistics for Spatial "
        "Data, 1993).",
        limits="One of six smoothnesses per gene; genes learn nothing from each other, so that "
        "seldom seen ones are mostly noise; depth and composition stay mixed.",
        keeps_measured=False,
        home="stentrans.methods.kriging:Kriging",
    ),
    MethodInfo(
        name="paper",
        summary="stEnTrans as published: an image Transformer per section, defects not repeated.",
        citation="stEnTrans, arXiv:2407.08224; written anew from the article.",
        limits="Memorises the section that it is trained on. On hidden spots of a melanoma section "
        "it is worse than linear interpolation (depth-adjusted correlation 0.01, not 0.04). Takes "
        "minutes; its standard deviations are those of linear interpolation.",
        keeps_measured=True,
        home="stentrans.methods.paper:Paper",
    ),
    MethodInfo(
        name="dist",
        summary="DIST: a convolutional network learns to double the section's images.",
        citation="Zhao, Wang & Hu, Brief. Bioinform. 24 (2023) bbad013; written anew from the "
        "article.",
        limits="Learns from gene images one by one, mostly to smooth them. On hidden spots of a "
        "melanoma section it is worse than linear interpolation (depth-adjusted correlation 0.02 "
        "against 0.04). Takes minutes; its standard deviations are those of linear interpolation.",
        keeps_measured=False,
        home="stentrans.methods.dist:Dist",
    ),
    MethodInfo(
        name="nedi",
        summary="Edge-directed interpolation: mixes neighbours along the edges it finds.",
        citation="Li & Orchard, IEEE Trans. Image Process. 10 (2001) 1521.",
        limits="Takes counting noise for edges: about as good as linear interpolation, whose "
        "standard deviations it borrows.",
        keeps_measured=True,
        home="stentrans.methods.nedi:Nedi",
    ),
    MethodInfo(
        name="cubic",
        summary="Cubic convolution along the lattice axes; goes through every measured value.",
        citation="Keys, IEEE Trans. Acoustics, Speech, Signal Process. 29 (1981) 1153.",
        limits="Keeps all counting noise and overshoots beside high values.",
        keeps_measured=True,
        home="stentrans.methods.interpolation:Cubic",
    ),
    MethodInfo(
        name="linear",
        summary="Linear interpolation between measured spots.",
        citation="Delaunay triangulation with barycentric weights.",
        limits="Keeps the counting noise of the spots it averages.",
        keeps_measured=True,
        home="stentrans.methods.interpolation:Linear",
    ),
    MethodInfo(
        name="nearest",
        summary="Repeats the nearest measured spot.",
        citation="Nearest neighbour.",
        limits="Adds no information; a baseline.",
        keeps_measured=True,
        home="stentrans.methods.interpolation:Nearest",
    ),
)

ABOUT: Final[Mapping[str, MethodInfo]] = MappingProxyType({info.name: info for info in _INFOS})
"""All that is known of each method, by name."""
METHODS: Final[Mapping[str, str]] = MappingProxyType({i.name: i.summary for i in _INFOS})
"""One line on each method, by name."""


def load(name: str) -> Method:
    """Import a method and return it, ready to fit.

    Parameters
    ----------
    name
        One of `METHODS`.

    Raises
    ------
    MissingKeyError
        If no method has this name; the sentence lists those that exist.
    """
    if name not in METHODS:
        raise MissingKeyError(f"A method must be one of {', '.join(METHODS)}; got {name!r}.")
    module, _, kind = ABOUT[name].home.partition(":")
    return cast(Method, getattr(import_module(module), kind)())


_DECODERS: Final = {
    "linear": "stentrans.methods.decoding:LinearDecoder",
    "composition": "stentrans.methods.composition:CompositionDecoder",
    "image": "stentrans.methods.image_decoding:ImageDecoder",
}


def load_decoder(kind: str, arrays: Mapping[str, NDArray[Any]]) -> Decoder:
    """Rebuild a decoder from its arrays.

    Raises
    ------
    MissingKeyError
        If no decoder is of this kind.
    """
    if kind not in _DECODERS:
        raise MissingKeyError(f"A decoder must be one of {', '.join(_DECODERS)}; got {kind!r}.")
    module, _, name = _DECODERS[kind].partition(":")
    return cast(Decoder, getattr(import_module(module), name).from_arrays(arrays))
