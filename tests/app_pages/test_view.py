"""What a session keeps about looking: regions, stars, turns and view settings."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from stentrans.app import state, view

SECTION = "a" * 32


def session() -> AppTest:
    """A session that looks at one section; code runs in it by `app.run`."""

    def script() -> None:
        import streamlit as st

        from stentrans.app import view

        for act in st.session_state.get("acts", []):
            act(view)
        st.session_state["acts"] = []
        st.session_state["found"] = (view.regions(), view.region(), view.stars(), view.turns())
        st.session_state["settings"] = view.view_settings()

    app = AppTest.from_function(script)
    app.session_state[state.SECTION] = SECTION
    return app


def after(app: AppTest, *acts) -> tuple:
    app.session_state["acts"] = list(acts)
    app.run()
    assert not app.exception
    return app.session_state["found"]


def test_region_is_kept_looked_at_renamed_and_deleted() -> None:
    app = session()
    edge = view.Region("edge", (1, 2, 5))
    assert after(app, lambda v: v.keep_region(edge))[:2] == ({"edge": edge}, edge)
    regions, chosen, *_ = after(app, lambda v: v.rename_region("edge", "border"))
    assert chosen == regions["border"] == view.Region("border", (1, 2, 5))
    assert after(app, lambda v: v.delete_region("border"))[:2] == ({}, None)


def test_region_never_takes_the_name_of_another() -> None:
    app = session()
    one, two = view.Region("one", (1,)), view.Region("two", (2,))
    regions, *_ = after(
        app,
        lambda v: v.keep_region(one),
        lambda v: v.keep_region(two),
        lambda v: v.rename_region("two", "one"),
        lambda v: v.rename_region("two", "  "),
    )
    assert regions == {"one": one, "two": two}


def test_regions_and_stars_belong_to_their_section() -> None:
    app = session()
    after(app, lambda v: v.keep_region(view.Region("r", (1,))), lambda v: v.star("Mbp", "white"))
    app.session_state[state.SECTION] = "b" * 32
    assert after(app)[:3] == ({}, None, {})
    app.session_state[state.SECTION] = SECTION
    assert after(app)[2] == {"Mbp": "white"}
    assert after(app, lambda v: v.unstar("Mbp"))[2] == {}


def test_turns_count_quarters() -> None:
    app = session()
    assert after(app, lambda v: v.turn(5, is_flipped=True))[3] == (1, True)


def test_view_settings_are_what_the_widgets_hold() -> None:
    app = session()
    after(app)
    assert app.session_state["settings"] == view.ViewSettings()
    app.session_state[view.key_of("palette")] = "cividis"
    app.session_state[view.key_of("reading")] = "counts"
    after(app)
    found = app.session_state["settings"]
    assert (found.palette, found.reading, found.clip) == ("cividis", "counts", "percentiles")
