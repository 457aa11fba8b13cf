"""A zip laid out like a Space Ranger folder: sparse matrix, names, positions, pictures."""

from __future__ import annotations

import gzip
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Final
from zipfile import ZIP_STORED, ZipFile

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image
from pyarrow import csv

from stentrans.export.checking import Margins, empty_margins, unlike
from stentrans.export.contents import VALUES, Contents
from stentrans.export.slide import as_bytes
from stentrans.export.telling import Tell
from stentrans.export.wide import BARCODE, positions_of

MATRIX: Final = "filtered_feature_bc_matrix/matrix.mtx.gz"
FEATURES: Final = "filtered_feature_bc_matrix/features.tsv.gz"
BARCODES: Final = "filtered_feature_bc_matrix/barcodes.tsv.gz"
_COLUMNS: Final = pa.schema([("gene", pa.int32()), ("site", pa.int32()), ("value", pa.float32())])
_PLAIN: Final = csv.WriteOptions(include_header=False, delimiter=" ", quoting_style="none")
_QUICK = 1
_COPY = 2**20
_BYTES_PER_READ = 2**23


def write_triplet(contents: Contents, path: Path, tell: Tell) -> dict[str, Margins]:
    """Write the zip and return the sums of the values."""
    with TemporaryFile(dir=path.parent) as body, ZipFile(path, "w", ZIP_STORED) as archive:
        n_stored, margins = _write_body(contents, body, tell)
        tell("packing", 0.0)
        body.seek(0)
        with archive.open(MATRIX, "w", force_zip64=True) as member:
            # How many values there are is known last and stands first; parts of gzip add up.
            member.write(gzip.compress(_header(contents.shape, n_stored).encode()))
            shutil.copyfileobj(body, member, _COPY)
        rows = zip(contents.gene_ids, contents.genes, strict=True)
        features = [f"{_plain(one)}\t{_plain(name)}\tGene Expression" for one, name in rows]
        archive.writestr(FEATURES, _lines(features))
        sites = contents.enhancement.sites.index
        archive.writestr(BARCODES, _lines([_plain(name) for name in sites]))
        _write_spatial(contents, archive)
        archive.writestr("stentrans.json", json.dumps(contents.about(), sort_keys=True))
    return margins


def read_triplet_margins(contents: Contents, path: Path, tell: Tell) -> dict[str, Margins]:
    """Read a written zip again, some values at a time; raises StoreError if it differs."""
    margins = empty_margins((VALUES,), contents.shape)
    with ZipFile(path) as archive:
        n_names = [
            len(gzip.decompress(archive.read(name)).splitlines()) for name in (FEATURES, BARCODES)
        ]
        if n_names != [contents.shape[1], contents.shape[0]]:
            raise unlike(path, "the number of names")
        with archive.open(MATRIX) as member, gzip.open(member) as stream:
            first, size = stream.readline(), stream.readline()
            n_genes, n_sites, n_stored = (int(one) for one in size.split())
            if not first.startswith(b"%%MatrixMarket") or (n_sites, n_genes) != contents.shape:
                raise unlike(path, "the shape")
            done = 0
            for gene, site, value in _stored(stream, n_stored):
                margins[VALUES].by_site[:] += np.bincount(site - 1, value, n_sites)
                margins[VALUES].by_gene[:] += np.bincount(gene - 1, value, n_genes)
                done += len(value)
                tell("checking", done / max(n_stored, 1))
    if done != n_stored:
        raise unlike(path, "the number of values")
    tell("checking", 1.0)
    return margins


def _write_body(contents: Contents, body: BinaryIO, tell: Tell) -> tuple[int, dict[str, Margins]]:
    """Write the values that are not 0, compressed; return their number and their sums."""
    margins = empty_margins((VALUES,), contents.shape)
    n_stored, done, total = 0, 0, max(contents.shape[0] * contents.shape[1], 1)
    packed = gzip.GzipFile(fileobj=body, mode="wb", compresslevel=_QUICK, mtime=0)
    with packed, csv.CSVWriter(packed, _COLUMNS, write_options=_PLAIN) as writer:
        for block in contents.without_layers().blocks():
            values = block.values[VALUES]
            margins[VALUES].add(block.sites, block.genes, values)
            site, gene = np.nonzero(values)
            columns = [
                pa.array((gene + block.genes.start + 1).astype(np.int32)),
                pa.array((site + block.sites.start + 1).astype(np.int32)),
                pa.array(values[site, gene]),
            ]
            writer.write_batch(pa.record_batch(columns, schema=_COLUMNS))
            n_stored, done = n_stored + len(site), done + values.size
            tell("writing", done / total)
    return n_stored, margins


def _stored(stream: Any, n_stored: int) -> Iterator[tuple[NDArray[Any], ...]]:
    """Genes, sites and values as they stand in the matrix, numbered from 1."""
    if not n_stored:
        return
    reading = csv.ReadOptions(
        column_names=_COLUMNS.names, use_threads=False, block_size=_BYTES_PER_READ
    )
    parsing = csv.ParseOptions(delimiter=" ")
    converting = csv.ConvertOptions(column_types=_COLUMNS)
    with csv.open_csv(stream, reading, parsing, converting) as reader:
        for batch in reader:
            yield tuple(batch.column(n).to_numpy() for n in range(3))


def _header(shape: tuple[int, int], n_stored: int) -> str:
    return f"%%MatrixMarket matrix coordinate real general\n{shape[1]} {shape[0]} {n_stored}\n"


def _write_spatial(contents: Contents, archive: ZipFile) -> None:
    """Positions, scale factors and pictures, named as Space Ranger does."""
    sites, slide = contents.enhancement.sites, contents.enhancement.slide
    places = positions_of(contents)
    places.index = places.index.map(_plain)
    archive.writestr("spatial/tissue_positions.csv", places.to_csv(index_label=BARCODE))
    entry = slide.entry(sites, contents.factor)
    archive.writestr("spatial/scalefactors_json.json", json.dumps(entry["scalefactors"]))
    for name, image in slide.images.items():
        packed = io.BytesIO()
        Image.fromarray(as_bytes(image)).save(packed, "PNG")
        archive.writestr(f"spatial/tissue_{name}_image.png", packed.getvalue())


def _lines(texts: list[str]) -> bytes:
    return gzip.compress("".join(f"{text}\n" for text in texts).encode(), mtime=0)


def _plain(name: object) -> str:
    """A name without what would end its cell."""
    return " ".join(str(name).split())
