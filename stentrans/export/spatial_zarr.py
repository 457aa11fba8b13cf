"""SpatialData as a zip: sites as circles, pictures, and a table of values; by its published form.

The package spatialdata cannot be installed beside ours (it needs another dask), so that the form is
written here, with zarr, anndata and pyarrow; tests/interop reads it with spatialdata itself.
"""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final
from zipfile import ZIP_STORED, ZipFile

import numpy as np
import pandas as pd
import pyarrow as pa
import zarr
from pyarrow import parquet

from stentrans.export.checking import Margins, empty_margins, unlike
from stentrans.export.contents import VALUES, Contents, block_size, even, parts
from stentrans.export.slide import DIAMETER, HIRES, LOWRES, as_bytes, places
from stentrans.export.telling import Tell
from stentrans.keys import MEASURED_LAYER, SPATIAL

SITES, TABLE, REGION, INSTANCE = "sites", "table", "region", "instance"
_VALUES_PER_CHUNK = 2**18
_VALUES_PER_READ = 2**21
_CONTAINER: Final = {"version": "0.2", "spatialdata_software_version": "0.7.3"}
_ELEMENT: Final = {"version": "0.3"}
_FACTORS: Final = {"hires": HIRES, "lowres": LOWRES}


def write_spatial_zarr(contents: Contents, path: Path, tell: Tell) -> dict[str, Margins]:
    """Write the zip and return the sums of the values."""
    folder = Path(mkdtemp(dir=path.parent))
    try:
        store = folder / path.name.removesuffix(".zip")
        root = zarr.open_group(store, mode="w", zarr_format=3)
        root.attrs["spatialdata_attrs"] = _CONTAINER
        entry = contents.enhancement.slide.entry(contents.enhancement.sites, contents.factor)
        _write_images(root.create_group("images"), contents, entry)
        _write_shapes(root.create_group("shapes"), store / "shapes" / SITES, contents, entry)
        margins = _write_table(root.create_group("tables"), contents, tell)
        _pack(folder, path, tell)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return margins


def read_spatial_zarr_margins(contents: Contents, path: Path, tell: Tell) -> dict[str, Margins]:
    """Read a written zip again, some sites at a time; raises StoreError if names differ."""
    from anndata.io import read_elem

    margins = empty_margins(contents.names, contents.shape)
    with zarr.storage.ZipStore(path, mode="r") as store:
        root = zarr.open_group(store, mode="r", path=path.name.removesuffix(".zip"))
        table: Any = root[f"tables/{TABLE}"]
        obs, var = read_elem(table["obs"]), read_elem(table["var"])
        if list(obs.index) != list(contents.enhancement.sites.index):
            raise unlike(path, "the list of sites")
        if list(var.index) != list(contents.genes):
            raise unlike(path, "the list of genes")
        for number, name in enumerate(contents.names):
            stored: Any = table[_place(name)]
            if stored.shape != contents.shape:
                raise unlike(path, name)
            step = stored.chunks[0]
            most = max(_VALUES_PER_READ // max(contents.shape[1], 1) // step, 1) * step
            for rows in parts(contents.shape[0], most):
                margins[name].add(rows, slice(None), stored[rows])
                share = rows.stop / max(contents.shape[0], 1)
                tell("checking", (number + share) / len(contents.names))
    return margins


def _write_table(group: zarr.Group, contents: Contents, tell: Tell) -> dict[str, Margins]:
    """Write everything that is known of the sites and genes, and the values in chunks."""
    from anndata import settings
    from anndata.io import write_elem

    frame = contents.frame()
    frame.obs[REGION] = pd.Categorical([SITES] * frame.n_obs)
    frame.obs[INSTANCE] = frame.obs_names.to_numpy(object)
    told = {"region": SITES, "region_key": REGION, "instance_key": INSTANCE}
    del frame.uns[SPATIAL]  # the pictures are elements of their own
    frame.uns["spatialdata_attrs"] = told
    # Chosen here, as anndata warns that it will choose otherwise one day.
    with settings.override(auto_shard_zarr_v3=False):
        write_elem(group, TABLE, frame)
    table: Any = group[TABLE]
    table.attrs.update(
        {"spatialdata-encoding-type": "ngff:regions_table", "version": "0.2", **told}
    )
    if VALUES in table:
        del table[VALUES]
    arrays = {name: _make(table, name, contents) for name in contents.names}
    margins, done = empty_margins(contents.names, contents.shape), 0
    for block in contents.blocks():
        for name, values in block.values.items():
            margins[name].add(block.sites, block.genes, values)
            if name != MEASURED_LAYER or block.sites.start < contents.n_spots:
                arrays[name][block.sites, block.genes] = values
        done += block.values[VALUES].size
        tell("writing", done / max(contents.shape[0] * contents.shape[1], 1))
    return margins


def _make(table: Any, name: str, contents: Contents) -> Any:
    """Make an array in whose chunks blocks fit."""
    shape = contents.shape
    n_sites, n_genes = block_size(contents.enhancement, shape)
    if n_genes < shape[1]:
        chunks = (even(shape[0], _VALUES_PER_CHUNK // n_genes), n_genes)
    else:
        rows = max(min(n_sites, shape[0]), 1)
        chunks = (rows, even(shape[1], max(_VALUES_PER_CHUNK // rows, 1)))
    return table.create_array(
        _place(name),
        shape=shape,
        chunks=chunks,
        dtype=np.float32,
        fill_value=np.nan if name == MEASURED_LAYER else 0.0,
        attributes={"encoding-type": "array", "encoding-version": "0.2.0"},
    )


def _place(name: str) -> str:
    return name if name == VALUES else f"layers/{name}"


def _write_images(group: zarr.Group, contents: Contents, entry: dict[str, Any]) -> None:
    """Write pictures by colour, row and column, with the way to full-resolution pixels."""
    slide = contents.enhancement.slide
    for name, image in slide.images.items():
        scale = 1.0 / entry["scalefactors"][_FACTORS[name]]
        colours = np.moveaxis(as_bytes(image)[:, :, :3], 2, 0)
        element = group.create_group(name)
        place = {"type": "scale", "scale": [1.0, scale, scale]} | _between("cyx", slide.library)
        element.attrs["ome"] = {
            "version": "0.5-dev-spatialdata",
            "omero": {"channels": [{"label": label} for label in "rgb"]},
            "multiscales": [
                {
                    "name": f"/images/{name}",
                    "axes": _axes("cyx"),
                    "datasets": [
                        {
                            "path": "s0",
                            "coordinateTransformations": [
                                {"type": "scale", "scale": [1.0, 1.0, 1.0]}
                            ],
                        }
                    ],
                    "coordinateTransformations": [place],
                }
            ],
        }
        element.attrs["spatialdata_attrs"] = _ELEMENT
        element.create_array(
            "s0",
            data=np.ascontiguousarray(colours),
            chunks=(3, *(min(side, 1024) for side in colours.shape[1:])),
            dimension_names=["c", "y", "x"],
        )


def _write_shapes(
    group: zarr.Group, folder: Path, contents: Contents, entry: dict[str, Any]
) -> None:
    """Write the sites as circles, a GeoParquet file."""
    slide, sites = contents.enhancement.slide, contents.enhancement.sites
    element = group.create_group(SITES)
    element.attrs.update(
        {
            "encoding-type": "ngff:shapes",
            "axes": ["x", "y"],
            "coordinateTransformations": [{"type": "identity"} | _between("xy", slide.library)],
            "spatialdata_attrs": _ELEMENT,
        }
    )
    points = places(sites)
    radius = entry["scalefactors"][DIAMETER] / 2
    geo = {
        "version": "1.1.0",
        "primary_column": "geometry",
        "columns": {"geometry": {"encoding": "WKB", "crs": None, "geometry_types": ["Point"]}},
    }
    frame = pd.DataFrame(
        {"geometry": [_point(x, y) for x, y in points], "radius": radius}, index=list(sites.index)
    )
    table = pa.Table.from_pandas(frame)
    told = {**(table.schema.metadata or {}), b"geo": json.dumps(geo).encode()}
    table = table.replace_schema_metadata(told)
    parquet.write_table(table, folder / "shapes.parquet")


def _point(x: float, y: float) -> bytes:
    """A point in well-known binary: byte order, kind, coordinates."""
    return struct.pack("<BIdd", 1, 1, x, y)


def _axes(names: str, **extra: str) -> list[dict[str, str]]:
    kinds = {"c": "channel", "y": "space", "x": "space"}
    return [{"name": name, "type": kinds[name], **extra} for name in names]


def _between(axes: str, system: str) -> dict[str, Any]:
    """From an element's own axes to the coordinate system named after the section."""
    named = _axes(axes, unit="unit")
    return {"input": {"name": axes, "axes": named}, "output": {"name": system, "axes": named}}


def _pack(folder: Path, path: Path, tell: Tell) -> None:
    """Put all files below a folder into one zip; chunks are compressed already."""
    files = sorted(one for one in folder.rglob("*") if one.is_file())
    with ZipFile(path, "w", ZIP_STORED) as archive:
        for number, one in enumerate(files, 1):
            archive.write(one, one.relative_to(folder).as_posix())
            tell("packing", number / len(files))
