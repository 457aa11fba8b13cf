"""Public sections that can be fetched from their publisher, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PUBLISHER: Final = "https://cf.10xgenomics.com/samples/spatial-exp"
"""Where 10x Genomics keeps the files of its Visium examples, a folder per software version."""
SOURCE_PAGE: Final = "https://www.10xgenomics.com/datasets"
LICENCE: Final = "CC BY 4.0"
MATRIX, SPATIAL = "filtered_feature_bc_matrix.h5", "spatial.tar.gz"


@dataclass(frozen=True)
class PublicSection:
    """A section of a publisher.

    Parameters
    ----------
    name
        As the publisher calls it; the start of its files' names.
    title
        Tissue and species, for people.
    version
        Version of the software that made the files, a folder of the publisher.
    md5
        Checksums by the end of a file's name, where the publisher tells them.
    """

    name: str
    title: str
    version: str = "1.1.0"
    md5: tuple[tuple[str, str], ...] = ()

    def path(self, ending: str) -> str:
        """Return where a file lies below the publisher's folder."""
        return f"{self.version}/{self.name}/{self.name}_{ending}"


PUBLIC: Final = {
    one.name: one
    for one in (
        PublicSection("V1_Adult_Mouse_Brain", "Mouse brain, coronal"),
        PublicSection("V1_Mouse_Brain_Sagittal_Posterior", "Mouse brain, sagittal, posterior"),
        PublicSection("V1_Mouse_Brain_Sagittal_Anterior", "Mouse brain, sagittal, anterior"),
        PublicSection("V1_Mouse_Kidney", "Mouse kidney, coronal"),
        PublicSection("V1_Breast_Cancer_Block_A_Section_1", "Human breast cancer"),
        PublicSection("V1_Human_Lymph_Node", "Human lymph node"),
        PublicSection("V1_Human_Heart", "Human heart"),
        PublicSection("Parent_Visium_Human_Cerebellum", "Human cerebellum", "1.2.0"),
        PublicSection("Parent_Visium_Human_Glioblastoma", "Human glioblastoma", "1.2.0"),
        PublicSection("Parent_Visium_Human_ColorectalCancer", "Human colorectal cancer", "1.2.0"),
    )
}
"""10x Genomics publishes no checksums beside these files, so that none stand here."""
