"""An enhancement as a folder of factors that loads again."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stentrans.errors import StentransError, StoreError
from stentrans.export.slide import Slide
from stentrans.keys import ORIGIN, ORIGINS
from stentrans.methods.base import Decoder, Prediction
from stentrans.methods.own_counts import OwnCounts
from stentrans.methods.registry import load_decoder
from stentrans.preprocess import library_size

if TYPE_CHECKING:
    from stentrans.enhancement import Enhancement

ARRAYS_FILE = "arrays.npz"
ABOUT_FILE = "enhancement.json"
_FORMAT = 2
DAMAGED = (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error, StentransError)
"""What reading an incomplete or altered file can raise."""


def save(enhancement: Enhancement, folder: Path) -> None:
    """See `stentrans.enhancement.Enhancement.save`."""
    arrays = pack_prediction(enhancement.prediction, enhancement.decoder)
    arrays |= _pack("measured", enhancement.measured) | _pack_sites(enhancement.sites)
    slide, ids = enhancement.slide, enhancement.gene_ids
    arrays |= {f"image_{name}": image for name, image in slide.images.items()}
    about = {
        "format": _FORMAT,
        "decoder": enhancement.decoder.kind,
        "genes": list(enhancement.genes),
        "gene_ids": None if ids is None else list(ids),
        "library": slide.library,
        "scalefactors": dict(slide.scalefactors),
        "provenance": enhancement.provenance,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(folder / ARRAYS_FILE, **arrays)  # type: ignore[arg-type]
        (folder / ABOUT_FILE).write_text(json.dumps(about), encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"The run could not be saved in {folder} ({error.strerror or error}). Choose another "
            "folder or free some space."
        ) from error


def load(folder: Path) -> dict[str, Any]:
    """Read what `save` wrote, as arguments of `stentrans.enhancement.Enhancement`.

    Raises
    ------
    StoreError
        If a file is missing or damaged.
    """
    try:
        about = json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8"))
        written_as = about.get("format", 1)
        if written_as == _FORMAT:
            return _rebuild(about, read_arrays(folder / ARRAYS_FILE))
    except DAMAGED as error:
        raise StoreError(
            f"{folder} must hold a complete saved enhancement; it could not be read ({error}). "
            "Run the enhancement again."
        ) from error
    raise StoreError(
        f"{folder} must hold an enhancement saved in format {_FORMAT}; it is in format "
        f"{written_as}, of another version. Run the enhancement again."
    )


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read an ``.npz`` file whole, never unpickling; raises one of `DAMAGED`."""
    # numpy leaves a file of its own open if it turns out not to be an archive.
    with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def pack_prediction(prediction: Prediction, decoder: Decoder) -> dict[str, NDArray[Any]]:
    """Plain arrays of a prediction and its decoder; `unpack_prediction` undoes it."""
    arrays = {f"decoder_{k}": v for k, v in decoder.to_arrays().items()}
    arrays |= _pack("factors", prediction.factors)
    arrays["log_library"] = prediction.log_library
    arrays["log_library_variance"] = prediction.log_library_variance
    if prediction.variance is not None:
        arrays["variance"] = prediction.variance
    if prediction.own is not None:
        arrays["own_spot"] = prediction.own.spot  # its counts are stored as the measured ones
    return arrays


def unpack_prediction(
    decoder_kind: str, arrays: dict[str, NDArray[Any]]
) -> tuple[Prediction, Decoder]:
    """Undo `pack_prediction`; raises KeyError if an array is missing."""
    decoder_arrays = {
        name.removeprefix("decoder_"): value
        for name, value in arrays.items()
        if name.startswith("decoder_")
    }
    prediction = Prediction(
        factors=_unpack("factors", arrays),
        variance=arrays.get("variance"),
        log_library=arrays["log_library"],
        log_library_variance=arrays["log_library_variance"],
    )
    return prediction, load_decoder(decoder_kind, decoder_arrays)


def _rebuild(about: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    prediction, decoder = unpack_prediction(about["decoder"], arrays)
    measured = csr_matrix(_unpack("measured", arrays))
    if "own_spot" in arrays:
        with_counts = measured[library_size(measured) > 0].tocsc()
        prediction = replace(prediction, own=OwnCounts.of(with_counts, arrays["own_spot"]))
    return {
        "sites": _unpack_sites(arrays),
        "genes": pd.Index(about["genes"]),
        "gene_ids": about.get("gene_ids"),
        "slide": _unpack_slide(about, arrays),
        "prediction": prediction,
        "decoder": decoder,
        "measured": measured,
        "provenance": about["provenance"],
    }


def _unpack_slide(about: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Slide | None:
    """The slide; None where the folder was written without one."""
    if "library" not in about:
        return None
    images = {
        name.removeprefix("image_"): image
        for name, image in arrays.items()
        if name.startswith("image_")
    }
    return Slide(about["library"], images, about["scalefactors"])


def _pack_sites(sites: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Plain arrays of the table of sites."""
    columns = {f"sites.{name}": sites[name].to_numpy() for name in sites if name != ORIGIN}
    codes = sites[ORIGIN].cat.codes.to_numpy()
    return columns | {"site_names": sites.index.to_numpy(str), "site_origins": codes}


def _unpack_sites(arrays: dict[str, NDArray[Any]]) -> pd.DataFrame:
    """Undo `_pack_sites`."""
    columns = {
        name.removeprefix("sites."): values
        for name, values in arrays.items()
        if name.startswith("sites.")
    }
    sites = pd.DataFrame(columns, index=pd.Index(arrays["site_names"].astype(object)))
    names = np.array(ORIGINS, dtype=object)[arrays["site_origins"]]
    sites[ORIGIN] = pd.Categorical(names, categories=list(ORIGINS))
    return sites


def _pack(name: str, matrix: NDArray[Any] | csr_matrix) -> dict[str, NDArray[Any]]:
    """Plain arrays of a dense or CSR matrix."""
    if isinstance(matrix, np.ndarray):
        return {name: matrix}
    parts = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr}
    packed = {f"{name}.{part}": values for part, values in parts.items()}
    return packed | {f"{name}.shape": np.array(matrix.shape)}


def _unpack(name: str, arrays: dict[str, NDArray[Any]]) -> NDArray[Any] | csr_matrix:
    """Undo `_pack`."""
    if name in arrays:
        return arrays[name]
    parts = (arrays[f"{name}.data"], arrays[f"{name}.indices"], arrays[f"{name}.indptr"])
    return csr_matrix(parts, shape=tuple(arrays[f"{name}.shape"]))
