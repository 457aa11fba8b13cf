"""Write an enhancement: AnnData, .h5ad in chunks, and a folder of factors that loads again."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
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
_FORMAT = 2
DAMAGED = (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error, StentransError)
"""What reading an incomplete or altered file can raise."""
_LEAST_SITES = 64
_VALUES_PER_BLOCK = 2**21
_VALUES_PER_CHUNK = 2**18
"""Of a file that is written by gene, where a row of all genes is never complete."""
_PLACES = {"X": "X"} | {name: f"layers/{name}" for name in (COUNTS, SD, MEASURED_LAYER)}
"""Of the values in a file."""
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
    made = {name: np.empty(adata.shape, np.float32) for name in _PLACES}
    _fill(made, enhancement, columns)
    adata.X = made.pop("X")
    adata.layers.update(made)
    return adata


def write_h5ad(enhancement: Enhancement, path: Path, genes: Sequence[str] | None) -> None:
    """See `stentrans.enhancement.Enhancement.write`.

    The file appears under its name only when it is complete.
    """
    import h5py

    columns = _columns(enhancement, genes)
    unfinished = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _frame_of(enhancement, columns).write_h5ad(unfinished)
        with h5py.File(unfinished, "r+") as file:
            if "X" in file:  # written as null where an AnnData has no values yet
                del file["X"]
            shape = (len(enhancement.sites), len(columns))
            chunk = _chunk(enhancement.decoder, shape)
            sets = {name: _dense(file, at, shape, chunk) for name, at in _PLACES.items()}
            _fill(sets, enhancement, columns)
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
        "format": _FORMAT,
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


def _fill(into: Mapping[str, Any], enhancement: Enhancement, columns: NDArray[np.int64]) -> None:
    """Compute X, counts, sd and measured, some sites of some genes at a time."""
    decoder, counts = enhancement.decoder, enhancement.measured
    n_spots = int((enhancement.sites[ORIGIN] == MEASURED).sum())
    by_spot = log_normalise(counts, median_library(counts))
    shape = (len(enhancement.sites), len(columns))
    n_sites, n_genes = _block(decoder, shape)
    normalised = by_spot.tocsc() if n_genes < shape[1] else by_spot
    for genes in _parts(shape[1], n_genes):
        asked = columns[genes]
        known = normalised[:, asked].tocsr()
        for sites in _parts(shape[0], n_sites):
            part = enhancement.prediction.rows(sites)
            into["X"][sites, genes] = decoder.decode(part, asked, "log")
            into[COUNTS][sites, genes] = decoder.decode(part, asked, "counts")
            into[SD][sites, genes] = decoder.sd(part, asked)
            measured = np.full((sites.stop - sites.start, len(asked)), np.nan, np.float32)
            if sites.start < n_spots:  # measured spots come first
                rows = known[sites.start : min(sites.stop, n_spots)].toarray()
                measured[: len(rows)] = rows
            into[MEASURED_LAYER][sites, genes] = measured


def _block(decoder: Decoder, shape: tuple[int, int]) -> tuple[int, int]:
    """Sites and genes whose values are in memory together, as suits the decoder."""
    n_genes = _even(shape[1], decoder.genes_at_once or shape[1])
    return max(_VALUES_PER_BLOCK // n_genes, _LEAST_SITES), n_genes


def _chunk(decoder: Decoder, shape: tuple[int, int]) -> tuple[int, int] | None:
    """Rows and columns of a chunk in the file; None where whole rows are written in order."""
    _, n_genes = _block(decoder, shape)
    if n_genes >= shape[1]:
        return None
    return _even(shape[0], _VALUES_PER_CHUNK // n_genes), n_genes


def _even(total: int, most: int) -> int:
    """Size of the fewest parts of at most ``most``; a chunk takes its room even if half empty."""
    if total == 0:
        return 1
    return -(-total // -(-total // max(most, 1)))


def _parts(total: int, size: int) -> list[slice]:
    """Numbers up to ``total``, ``size`` at a time."""
    return [slice(start, min(start + size, total)) for start in range(0, total, size)]


def _dense(file: Any, place: str, shape: tuple[int, int], chunk: tuple[int, int] | None) -> Any:
    """Make an empty float32 data set in the form anndata reads."""
    made = file.create_dataset(place, shape, dtype=np.float32, chunks=chunk)
    made.attrs["encoding-type"] = "array"
    made.attrs["encoding-version"] = "0.2.0"
    return made
