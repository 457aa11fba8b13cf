"""What the help page says: the tour, how to read the maps, publishing, formats, words, limits."""

from __future__ import annotations

from typing import Final, NamedTuple


class Step(NamedTuple):
    """One step of the tour."""

    page: str
    icon: str
    title: str
    words: str


TOUR: Final = (
    Step(
        "pages/home.py",
        ":material/home:",
        "Open a section",
        "Drop a file, a folder or a zip, or stay with the example. Read the card *What we found*: "
        "every assumption is there, and can be changed.",
    ),
    Step(
        "pages/quality.py",
        ":material/traffic:",
        "Look whether it can be enhanced",
        "Green, amber or red, with reasons. Set poor spots aside; inside the tissue they become "
        "gaps, which are filled.",
    ),
    Step(
        "pages/enhance.py",
        ":material/blur_on:",
        "Enhance it",
        "Keep the settings, press *Start*. Close the page if you like: it goes on, and the result "
        "is kept.",
    ),
    Step(
        "pages/genes.py",
        ":material/search:",
        "Look at a gene",
        "Measured, enhanced and imputed side by side on one colour scale. Drag one map, all move. "
        "Below: *Is it real?*",
    ),
    Step(
        "pages/reveal.py",
        ":material/visibility_off:",
        "Hide a region and uncover the truth",
        "Draw a line around spots you know well. Would the method have known them? The score "
        "stands beside simpler methods.",
    ),
    Step(
        "pages/evaluate.py",
        ":material/balance:",
        "Compare the methods",
        "Strict and as published, beside each other, with what each number means.",
    ),
    Step(
        "pages/export.py",
        ":material/download:",
        "Take it with you",
        "An `.h5ad` that scanpy and squidpy read, or tables; with the line that repeats the run.",
    ),
)
"""About half a minute each."""

MAPS: Final = """
**Measured** is what came from the experiment: one tile per spot, untouched.

**Enhanced** shows more sites. A *measured spot* keeps what its own counts say beyond its
surroundings. An *inserted site* lies between spots: a prediction from what the section shows
elsewhere. A *gap* is a position that was lost inside the tissue, filled the same way.

**Imputed** is the honest map: every spot was hidden once, predicted without it, and is shown as
predicted. Where it looks like the measured map, the method knows the tissue. Where it does not, the
enhanced map cannot be trusted either.

All maps of a gene share **one colour scale**, taken from the measured values: no map can look
better by rescaling. Values under the pointer come with a standard deviation.

| Reading | Shows | Use it for |
|---|---|---|
| Equal depth | what every spot would show at the same sequencing depth | looking at biology |
| As sequenced | log of counts scaled to the median depth, depth differences kept | comparing with \
measured values and scores |
| Counts | expected UMI counts | methods that want counts |
"""

PUBLISH: Final = """
**Yes, as a picture that says what it is.** Before you do:

1. Show the measured map beside the enhanced one, on the same scale.
2. Give the score of each gene you show: the correlation on hidden spots, beside the noise ceiling
   and beside linear interpolation (page *Genes*). Leave out genes that fail.
3. Say which sites are measured, inserted or gaps.
4. Name method, version, seed, factor and section. The line under *The same from the command line*
   repeats the run.
5. Cite the article and this package (below).

**No, as evidence.** Enhanced values are smoother than the tissue, and neighbours share what they
were predicted from. So:

- Test on **measured counts**. Differential expression, variable genes or enrichment on enhanced
  values find more because values were smoothed, not because there is more to find
  ([Andrews & Hemberg 2018](https://doi.org/10.12688/f1000research.16613.2) show how imputation
  makes false signals).
- Do not count inserted sites as observations: no n grows by enhancing.
- Do not read structures narrower than the distance between spots, nor single cells.
- Do not read a boundary's exact place off the enhanced map.
- Factors 3 and 4 are extrapolated: no finer measurement confirms them.
- Never for diagnosis.
"""

FORMATS: Final = """
| What | Which files | Notes |
|---|---|---|
| AnnData | `.h5ad` | raw counts in `layers["counts"]`, `raw.X` or `X`; `obs` array_row, \
array_col, in_tissue; pixels in `obsm["spatial"]` |
| Space Ranger, 1 to 4 | the `outs` folder, a zip of it, or the matrix with its `spatial` files | \
`filtered_feature_bc_matrix.h5` or the three `.gz` files; pictures are optional |
| 10x matrix | `.h5`, or `matrix.mtx`, `features.tsv`, `barcodes.tsv` with positions | any prefix, \
as GEO gives them |
| Legacy ST | `.tsv`, `.csv`, also `.gz`, `.txt` | spots named `10x13`, or a table of coordinates \
beside it; turned tables are recognised |

A section needs raw counts (whole numbers), a position on a lattice for every spot, and at least
30 spots on tissue. Square, hexagonal and staggered lattices are recognised; mirrored slides are
recognised from the pixels. What was assumed is said on the card; what cannot be used is refused in
one sentence. Results leave as `.h5ad` that scanpy and squidpy read.
"""

GLOSSARY: Final = {
    "section": "one tissue slice with its counts and positions",
    "spot": "a place of the array where RNA was captured; several cells, not one",
    "site": "any position on the lattice, measured or not",
    "inserted site": "a site between spots, added by enhancement",
    "gap": "a position inside the tissue whose measurement was lost",
    "origin": "what a site is: measured, inserted or gap",
    "factor": "how many times finer along each axis; 2 gives about four times as many sites",
    "run": "one enhancement with its settings; the same settings are never computed twice",
    "library size, depth": "all counts of a spot together",
    "UMI": "a molecule counted once, however often it was sequenced",
    "hidden spots": "spots that a method was not shown, to see whether it would have known them",
    "strict hold-out": "hidden spots play no part in choosing genes, scaling, tuning or training; "
    "only they are scored",
    "published protocol": "training and scoring on the same pair, as the article did; rewards "
    "memory",
    "noise ceiling": "the correlation that counting noise allows at most, from counts split in "
    "halves",
    "depth-adjusted": "what remains of a correlation once library size is taken out",
    "null": "the same with the spots shuffled, where nothing can be found",
    "Moran's I": "how alike neighbours are: 0 for none, near 1 for a smooth map; smoothing raises "
    "it",
    "kriging": "interpolation that learns from the section how far spots are alike",
    "prior": "the spatial part of stEnTrans, before the Transformer corrects it",
}

QUESTIONS: Final = {
    "Where do my data go?": "To the machine that runs this app, and nowhere else. The app asks "
    "nothing of the internet unless you press a button that says so.",
    "May I close the browser?": "Yes. Jobs go on, results are kept, and the address in the browser "
    "brings you back to the same section, run and gene.",
    "Why are the scores so low?": "Because most genes have few counts per spot. Compare a score "
    "with the noise ceiling and with linear interpolation, not with 1. Shallow sections allow "
    "0.3 on average, whatever the method.",
    "Why does the enhanced map look smooth?": "It shows what is likely, and chance is not likely. "
    "Smoother is not sharper: where the score is no better than that of simple interpolation, "
    "fine detail means nothing.",
    "Why is a map mirrored or turned?": "Some slides are scanned mirrored; the app finds that from "
    "the pixels and shows the section as its picture. Without pixels it shows the array as it is. "
    "You can turn and flip it.",
    "A value at a measured spot changed. Why?": "The enhanced map joins what was counted there "
    "with what its surroundings say, gene by gene. The measured map shows the count itself.",
    "What if a run fails?": "It says why, in a sentence, and offers to run again. Nothing finished "
    "is lost. A job that needs more memory than there is ends alone.",
    "How do I repeat this without the app?": "Every page that computes shows the line for a "
    "terminal that gives the same numbers.",
    "Can it use my histology picture?": "It is shown under the maps. Methods here learn from "
    "counts and positions alone.",
}

LIMITS: Final = """
- **It cannot show what no spot shows.** Single cells, or structures between spots that leave no
  trace in their neighbours, are beyond any method that sees these data alone.
- **Many genes cannot be predicted** from their surroundings, least of all in shallow sections. The
  page *Genes* says which; believe it.
- **What is learned beyond the spatial prior does not always help.** A gate keeps it only where it
  helped on spots it had never seen; on some sections that is nothing.
- **The published network memorises.** Trained and scored on the same pair it looks excellent; on
  hidden spots it is no better than linear interpolation. It is here, as *stEnTrans as published*,
  so that you can see that for yourself on the page *Evaluate*.
- The released program of that article overwrites its own residual, feeds the area off tissue as
  zeros, returns negative values and thins staggered lattices as if they were square. None of this
  is repeated here.
- Large holes are filled with what their rim suggests. The middle of a hole is a guess as soon as
  it is farther from any spot than spots agree with each other.
- Visium HD and single-cell methods are not meant to be enhanced.
"""

CITATION: Final = """
> stEnTrans: Transformer-based deep learning for spatial transcriptomics enhancement.
> [arXiv:2407.08224](https://arxiv.org/abs/2407.08224)

Cite the article for the idea, and name this package with its version (below) for the method: it
was written anew and differs from the article. Methods that you compare with have citations of
their own:
"""
