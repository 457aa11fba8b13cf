"""Results out: files that other software opens, and a folder of factors that loads again."""

from __future__ import annotations

from stentrans.export.contents import LAYERS, VALUES_ARE, Contents
from stentrans.export.exported import STEM, Exported, Order
from stentrans.export.folder import (
    DAMAGED,
    load,
    pack_prediction,
    read_arrays,
    save,
    unpack_prediction,
)
from stentrans.export.formats import FORMATS, Format, file_name, format_of, write
from stentrans.export.slide import Slide

__all__ = [
    "DAMAGED",
    "FORMATS",
    "LAYERS",
    "STEM",
    "VALUES_ARE",
    "Contents",
    "Exported",
    "Format",
    "Order",
    "Slide",
    "file_name",
    "format_of",
    "load",
    "pack_prediction",
    "read_arrays",
    "save",
    "unpack_prediction",
    "write",
]
