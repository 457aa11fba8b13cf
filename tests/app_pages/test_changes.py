"""What a reader assumed can be changed on the page, and changed back, without another upload."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from stentrans.app import cache, opening, repeat, state
from stentrans.app.sources import Source
from stentrans.errors import ParameterError, SectionFormatError
from stentrans.section import ReadOptions, simulate
from stentrans.store import Run
from tests.section.writers import write_bins


@pytest.fixture
def table() -> bytes:
    """Counts of a square section that is higher than wide, spots named 10x13."""
    section = simulate(lattice="square", n_rows=12, n_cols=8)
    names = [name.removeprefix("sim-") for name in section.obs_names]
    frame = pd.DataFrame(section.X.toarray().astype(int), names, section.var_names)
    return frame.iloc[:, :40].to_csv().encode()


def upload(app: AppTest, content: bytes, name: str = "counts.csv") -> AppTest:
    app.run().file_uploader(key="upload").set_value([(name, content, "text/csv")])
    return app.run()


def shown(app: AppTest) -> ad.AnnData:
    return cache.section(app.session_state[state.SECTION])


def press(app: AppTest, label: str) -> AppTest:
    (button,) = [one for one in app.button if one.label == label]
    return button.click().run()


def test_axis_order_is_changed_and_undone(app: AppTest, table: bytes) -> None:
    upload(app, table)
    before = shown(app)
    press(app, "The column")
    after = shown(app)
    assert not app.error
    np.testing.assert_array_equal(after.obs["array_col"], before.obs["array_row"])
    np.testing.assert_array_equal(after.obs["array_row"], before.obs["array_col"])
    press(app, "Undo my changes")
    assert shown(app).obs.equals(before.obs)
    assert "Undo my changes" not in [one.label for one in app.button]


def test_only_the_last_reading_of_a_file_is_listed(app: AppTest, table: bytes) -> None:
    upload(app, table)
    press(app, "The column")
    labels = app.session_state[state.LABELS]
    assert list(labels.values()).count("counts.csv") == 1


def test_section_is_turned_and_mirrored(app: AppTest, table: bytes) -> None:
    upload(app, table)
    before = shown(app)
    assert "spatial" not in before.obsm
    press(app, "Rotate")
    turned = shown(app)
    # What lay above is on the right now.
    assert np.corrcoef(before.obs["array_row"], turned.obsm["spatial"][:, 0])[0, 1] < -0.99
    press(app, "Rotate")
    press(app, "Flip")
    both = shown(app)
    assert np.corrcoef(before.obs["array_col"], both.obsm["spatial"][:, 0])[0, 1] > 0.99
    assert np.corrcoef(before.obs["array_row"], both.obsm["spatial"][:, 1])[0, 1] < -0.99


def test_other_layer_is_chosen(app: AppTest, hexagonal_section: ad.AnnData, tmp_path: Path) -> None:
    hexagonal_section.layers["half"] = hexagonal_section.X.copy()
    hexagonal_section.layers["half"].data = np.ceil(hexagonal_section.X.data / 2)
    hexagonal_section.X = hexagonal_section.X.log1p()
    hexagonal_section.write_h5ad(tmp_path / "given.h5ad")
    app.run().text_input(key="path").set_value(str(tmp_path / "given.h5ad")).run()
    assert shown(app).uns["stentrans"]["X_is"] == "counts"
    (places,) = [one for one in app.radio if "counts" in str(one.key)]
    places.set_value("X").run()
    assert shown(app).uns["stentrans"]["X_is"] == "values"


def test_example_has_nothing_to_change(app: AppTest) -> None:
    app.run()
    assert not {"Rotate", "Flip", "Undo my changes"} & {one.label for one in app.button}


def test_command_line_repeats_how_it_was_read(app: AppTest, table: bytes) -> None:
    upload(app, table)
    press(app, "The column")
    press(app, "Flip")
    app.switch_page("pages/enhance.py").run()
    (line,) = [one.value for one in app.code]
    assert "--first-number column" in line
    assert "--flip" in line


@pytest.mark.usefixtures("manager")
def test_reading_arguments_are_none_for_a_file_read_as_it_is() -> None:
    name = cache.store().put_section(simulate(n_rows=8, n_cols=8, seed=5))
    assert "--flip" not in repeat.command_line(Run(section=name), "mine.h5ad")


def test_source_survives_a_reload(app: AppTest, table: bytes) -> None:
    upload(app, table)
    name = app.session_state[state.SECTION]
    app.session_state[state.SOURCES] = {}
    app.run()
    press(app, "The column")
    assert app.session_state[state.SECTION] != name


def test_upload_that_was_removed_can_no_longer_be_changed(app: AppTest, table: bytes) -> None:
    upload(app, table)
    for name in cache.store().names("uploads"):
        cache.store().remove("uploads", name)
    app.run()
    assert not app.exception
    assert "Rotate" not in [one.label for one in app.button]


def test_uploader_is_emptied_after_a_section_and_keeps_files_after_a_refusal(
    app: AppTest, table: bytes
) -> None:
    upload(app, b"a,b\n1,2\n", "odd.csv")
    assert app.error
    assert app.file_uploader(key="upload").value
    upload(app, table)
    assert not app.error
    assert not app.file_uploader[0].value


class Large:
    name, size = "large.h5ad", 2**31

    def getbuffer(self) -> memoryview:
        pytest.fail("what is refused is not read")


@pytest.mark.usefixtures("manager")
def test_upload_beyond_the_limit_is_refused() -> None:
    with pytest.raises(SectionFormatError, match="2,048 MB exceed the upload limit") as caught:
        opening.open_upload([Large()])
    assert caught.value.code == "R12"


@pytest.mark.usefixtures("manager")
def test_reading_again_needs_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "section_id", lambda: None)
    with pytest.raises(ParameterError, match="Open the files again"):
        opening.reopen(ReadOptions(flip=True))


@pytest.mark.parametrize(
    "source",
    [
        Source("a.csv", upload="0" * 32, options=ReadOptions(first_number="column", flip=True)),
        Source("outs", path="/data/outs", options=ReadOptions(library="b", rotate=90)),
        Source("x.h5ad", path="/data/x.h5ad"),
    ],
    ids=["upload", "path", "plain"],
)
def test_source_goes_through_json(source: Source) -> None:
    assert Source.from_dict(source.to_dict()) == source


@pytest.mark.parametrize(
    "told", [None, "text", {"options": 3}, {"options": {"rotate": 45}}], ids=repr
)
def test_note_that_is_no_source_is_ignored(told: object) -> None:
    assert Source.from_dict(told) is None


def test_bins_that_touch_are_enhanced_in_place_by_default(app: AppTest, tmp_path: Path) -> None:
    outs = write_bins(tmp_path / "outs", sizes_um=(16,), n_side=10)
    app.run().text_input(key="path").set_value(str(outs)).run()
    app.switch_page("pages/enhance.py").run()
    assert not app.exception
    assert app.session_state[state.FACTOR] == 1
