"""The kinds of files that a result is written as, told apart by the end of their name."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Final

from stentrans.errors import ParameterError, StoreError
from stentrans.export.checking import Margins, compare
from stentrans.export.contents import LAYERS, Contents
from stentrans.export.h5ad import read_h5ad_margins, write_h5ad
from stentrans.export.long import (
    read_long_csv_margins,
    read_parquet_margins,
    write_long_csv,
    write_parquet,
)
from stentrans.export.spatial_zarr import read_spatial_zarr_margins, write_spatial_zarr
from stentrans.export.telling import Tell, teller
from stentrans.export.triplet import read_triplet_margins, write_triplet
from stentrans.export.wide import read_csv_margins, write_csv
from stentrans.keys import MEASURED_LAYER
from stentrans.methods.base import OnProgress, Scale

if TYPE_CHECKING:
    from stentrans.enhancement import Enhancement

BYTES_PER_SITE: Final = 130
"""Names and places of a site."""
MOST_LETTERS: Final = 80
"""Of a section's name in that of a file."""

Writer = Callable[[Contents, Path, Tell], dict[str, Margins]]


@dataclass(frozen=True)
class Format:
    """One kind of file.

    Parameters
    ----------
    suffix
        End of the file's name, with its dot.
    title, words
        What it is called, and what it is good for, for people.
    write
        Writes it and returns the sums of the values.
    read
        Reads it again and returns the sums of what is there.
    bytes_per_value
        Room that a value takes, roughly.
    has_pictures
        Whether the pictures of the slide go along.
    has_layers
        Whether there is room for more than the values.
    is_one_file
        Whether all is in one file.
    """

    suffix: str
    title: str
    words: str
    write: Writer
    read: Writer
    bytes_per_value: float
    has_pictures: bool = False
    has_layers: bool = True
    is_one_file: bool = True

    def size(self, contents: Contents) -> int:
        """Bytes that a file will take, roughly."""
        n_sites, n_genes = contents.shape
        layers = contents.layers if self.has_layers else ()
        matrices = 1.0 + len(layers)
        if MEASURED_LAYER in layers:  # sites between spots have no measured value
            matrices += contents.n_spots / max(n_sites, 1) - 1
        pictures = sum(image.nbytes for image in contents.enhancement.slide.images.values())
        room = n_sites * n_genes * matrices * self.bytes_per_value + BYTES_PER_SITE * n_sites
        return int(room + (pictures if self.has_pictures else 0))

    def extras(self, contents: Contents) -> str:
        """Say whether the picture goes along; empty where the format has no place for one."""
        if not self.has_pictures:
            return ""
        images = contents.enhancement.slide.images
        return "the picture of the tissue" if images else "no picture: the section has none"


FORMATS: Final = {
    one.suffix: one
    for one in (
        Format(
            ".h5ad",
            "AnnData (.h5ad)",
            "For scanpy, squidpy and cellxgene: values, positions, origins and the picture.",
            write_h5ad,
            read_h5ad_margins,
            bytes_per_value=4.0,
            has_pictures=True,
        ),
        Format(
            ".csv",
            "Table (.csv)",
            "For spreadsheets, R and Prism: sites in rows, genes in columns; where the sites lie "
            "stands in a second file. Best for some genes.",
            write_csv,
            read_csv_margins,
            bytes_per_value=11.0,
            has_layers=False,
            is_one_file=False,
        ),
        Format(
            ".zip",
            "Sparse matrix (.zip)",
            "For Seurat and others that read Space Ranger folders: matrix.mtx with features and "
            "barcodes, positions and pictures.",
            write_triplet,
            read_triplet_margins,
            bytes_per_value=7.0,
            has_pictures=True,
            has_layers=False,
        ),
        Format(
            ".zarr.zip",
            "SpatialData (.zarr.zip)",
            "For spatialdata, napari and Vitessce: sites as circles, pictures, and a table. Unpack "
            "it first.",
            write_spatial_zarr,
            read_spatial_zarr_margins,
            bytes_per_value=3.7,
            has_pictures=True,
        ),
        Format(
            ".parquet",
            "Long table (.parquet)",
            "For R (arrow), pandas and databases: a row for every gene at every site, with its "
            "origin and position.",
            write_parquet,
            read_parquet_margins,
            bytes_per_value=3.5,
        ),
        Format(
            ".long.csv",
            "Long table (.long.csv)",
            "The same as text, for ggplot and the like. Best for some genes.",
            write_long_csv,
            read_long_csv_margins,
            bytes_per_value=25.0,
        ),
    )
}


def format_of(path: Path) -> Format:
    """Return the format that a file's name ends in.

    Raises
    ------
    ParameterError
        If it ends in none of them.
    """
    name = path.name.lower()
    fitting = [suffix for suffix in FORMATS if name.endswith(suffix) and name != suffix]
    if not fitting:
        raise ParameterError(
            f"A result must be written to a file that ends in {', '.join(FORMATS)}; got "
            f"{path.name!r}. Change the end of the name."
        )
    return FORMATS[max(fitting, key=len)]


def file_name(section: str, method: str, factor: int, *, suffix: str) -> str:
    """Name the file of a result after its section, method and factor, harmlessly."""
    stem = section
    for known in (".gz", ".h5ad", ".h5", ".zip", ".tar", ".csv", ".tsv", ".txt"):
        stem = stem.removesuffix(known)
    stem = re.sub(r"[^\w.\-]+", "_", stem).strip("._") or "section"
    return f"{stem[:MOST_LETTERS]}_{method}_x{factor}{suffix}"


def write(
    enhancement: Enhancement,
    path: str | Path,
    genes: Sequence[str] | None = None,
    *,
    scale: Scale = "log",
    layers: Sequence[str] = LAYERS,
    on_progress: OnProgress | None = None,
) -> None:
    """Write an enhancement in the format that the file's name ends in, in bounded memory.

    The file is written beside its place under another name, read again and compared, and then
    renamed: under its name it is complete, or it is what was there before.

    Parameters
    ----------
    enhancement
        Left as it was.
    path
        The file; folders on the way are made.
    genes
        Which genes to write, None for all.
    scale
        What the values are; see `Enhancement.expression`.
    layers
        What to write beside them: ``counts``, ``sd``, ``measured``.
    on_progress
        Gets a `Progress` now and then; returning False cancels.

    Raises
    ------
    ParameterError
        If the name ends in no known format, or scale or layer is unknown.
    MissingKeyError
        If a gene is not in the section.
    StoreError
        If the file cannot be written, or does not hold what was written.
    Cancelled
        If ``on_progress`` returned False; nothing is left behind.
    """
    path = Path(path)
    chosen = format_of(path)
    contents = Contents.of(enhancement, genes, scale=scale, layers=layers)
    tell = teller(on_progress)
    tell("writing", 0.0)
    beside: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        written = chosen.write(contents, beside / path.name, tell)
        compare(path, written, chosen.read(contents, beside / path.name, tell))
        for made in beside.iterdir():
            made.replace(path.parent / made.name)
    except OSError as error:
        raise StoreError(
            f"{path} could not be written ({error.strerror or error}). Choose another folder or "
            "free some space; nothing was changed."
        ) from error
    finally:
        if beside is not None:
            shutil.rmtree(beside, ignore_errors=True)
