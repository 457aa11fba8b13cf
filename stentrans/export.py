"""Write an enhancement: AnnData, .h5ad in chunks, and a folder of factors that loads again."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stentrans.errors import StentransError, StoreError
from stentrans.keys import (
    COUNTS,
    IN_TISSUE,
    MEASURED,
    MEASURED_LAYER,
    ORIGIN,
    ORIGINS,
    SD,
    SPATIAL,
    STENTRANS,
)
from stentrans.methods.base import Decoder, Prediction
from stentrans.methods.own_counts import OwnCounts
from stentrans.methods.registry import load_decoder
from stentrans.preprocess import library_size, log_normalise, median_library
from stentrans.validate import check_names

if TYPE_CHECKING:
    from anndata import AnnData

    from stentrans.enhancement import Enhancement

ARRAYS_FILE = "arrays.npz"
ABOUT_FILE = "enhancement.json"
DAMAGED = (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error, StentransError)
"""What reading an incomplete or altered file can raise."""
_SITES_PER_CHUNK = 256
_LOG_VALUES = "expected natural log1p of counts scaled to the median library"


def describe(adata: AnnData, provenance: dict[str, Any]) -> None:
    """Note in ``adata.uns`` what its values are and where they came from, as one JSON string."""
    # h5ad cannot hold lists of records or None; a JSON string survives everywhere.
    told = {"X_is": _LOG_VALUES, "provenance": provenance}
    adata.uns[STENTRANS] = json.dumps(told, sort_keys=True)


def to_anndata(enhancement: Enhancement, genes: Sequence[str] | None) -> AnnData:
    """See `stentrans.enhancement.Enhancement.to_anndata`."""
    columns = _columns(enhancement, genes)
    adata = _frame_of(enhancement, columns)
    blocks = list(_blocks(enhancement, columns))
    adata.X = np.concatenate([block["X"] for block in blocks])
    for layer in (COUNTS, SD, MEASURED_LAYER):
        adata.layers[layer] = np.concatenate([block[layer] for block in blocks])
    return adata


def write_h5ad(enhancement: Enhancement, path: Path, genes: Sequence[str] | None) -> None:
    """See `stentrans.enhancement.Enhancement.write`.

    The file appears under its name only when it is complete.
    """
    import h5py

    columns = _columns(enhancement, genes)
    unfinished = path.with_name(f".{path.name}.part")
    shape = (len(enhancement.sites), len(columns))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _frame_of(enhancement, columns).write_h5ad(unfinished)
        with h5py.File(unfinished, "r+") as file:
            if "X" in file:  # written as null where an AnnData has no values yet
                del file["X"]
            names = {"X": "X"} | {n: f"layers/{n}" for n in (COUNTS, SD, MEASURED_LAYER)}
            sets = {name: _dense(file, place, shape) for name, place in names.items()}
            start = 0
            for block in _blocks(enhancement, columns):
                stop = start + len(block["X"])
                for name, values in block.items():
                    sets[name][start:stop] = values
                start = stop
        unfinished.replace(path)
    except OSError as error:
        raise StoreError(
            f"{path} could not be written ({error.strerror or error}). Choose another folder or "
            "free some space; nothing was changed."
        ) from error
    finally:
        with suppress(OSError):
            unfinished.unlink()


def save(enhancement: Enhancement, folder: Path) -> None:
    """See `stentrans.enhancement.Enhancement.save`."""
    arrays = pack_prediction(enhancement.prediction, enhancement.decoder)
    arrays |= _pack("measured", enhancement.measured) | _pack_sites(enhancement.sites)
    about = {
        "decoder": enhancement.decoder.kind,
        "genes": list(enhancement.genes),
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
        return _rebuild(about, read_arrays(folder / ARRAYS_FILE))
    except DAMAGED as error:
        raise StoreError(
            f"{folder} must hold a complete saved enhancement; it could not be read ({error}). "
            "Run the enhancement again."
        ) from error


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
        prediction = replace(prediction, own=OwnCounts(with_counts, arrays["own_spot"]))
    return {
        "sites": _unpack_sites(arrays),
        "genes": pd.Index(about["genes"]),
        "prediction": prediction,
        "decoder": decoder,
        "measured": measured,
        "provenance": about["provenance"],
    }


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


def _columns(enhancement: Enhancement, genes: Sequence[str] | None) -> NDArray[np.int64]:
    """Columns of the genes to write."""
    if genes is None:
        return np.arange(len(enhancement.genes))
    check_names("gene", genes, enhancement.genes)
    return enhancement.genes.get_indexer(pd.Index(list(genes))).astype(np.int64)


def _frame_of(enhancement: Enhancement, columns: NDArray[np.int64]) -> AnnData:
    """Everything of the export but its values."""
    from anndata import AnnData

    sites = enhancement.sites
    obs = sites.drop(columns=["x_px", "y_px"], errors="ignore").copy()
    obs[IN_TISSUE] = 1
    adata = AnnData(obs=obs, var=pd.DataFrame(index=enhancement.genes[columns]))
    # Without a picture micrometres serve every plotting function as well as pixels.
    axes = ["x_px", "y_px"] if "x_px" in sites else ["x_um", "y_um"]
    adata.obsm[SPATIAL] = sites[axes].to_numpy(np.float64)
    describe(adata, enhancement.provenance)
    return adata


def _blocks(
    enhancement: Enhancement, columns: NDArray[np.int64]
) -> Iterator[dict[str, NDArray[np.float32]]]:
    """Values of some sites at a time: X, counts, sd and measured."""
    decoder = enhancement.decoder
    n_spots = int((enhancement.sites[ORIGIN] == MEASURED).sum())
    counts = enhancement.measured
    normalised = log_normalise(counts, median_library(counts))[:, columns]
    for start in range(0, len(enhancement.sites), _SITES_PER_CHUNK):
        stop = min(start + _SITES_PER_CHUNK, len(enhancement.sites))
        part = enhancement.prediction.rows(slice(start, stop))
        measured = np.full((stop - start, len(columns)), np.nan, np.float32)
        if start < n_spots:  # measured spots come first
            rows = normalised[start : min(stop, n_spots)].toarray()
            measured[: len(rows)] = rows
        yield {
            "X": decoder.decode(part, columns, "log"),
            COUNTS: decoder.decode(part, columns, "counts"),
            SD: decoder.sd(part, columns),
            MEASURED_LAYER: measured,
        }


def _dense(file: Any, place: str, shape: tuple[int, int]) -> Any:
    """Make an empty float32 data set in the form anndata reads."""
    made = file.create_dataset(place, shape, dtype=np.float32)
    made.attrs["encoding-type"] = "array"
    made.attrs["encoding-version"] = "0.2.0"
    return made
