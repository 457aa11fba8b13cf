"""Router of the web app: ``streamlit run app.py``."""

from __future__ import annotations


def main() -> None:
    """Draw the shared sidebar and the page that was asked for."""
    from stentrans.app import demo, router, state, widgets

    widgets.page_look()
    page = router.current_page()
    state.mark_routed()
    with widgets.show_errors():
        demo.start()
        state.restore_from_url()
        widgets.sidebar()
    page.run()
    state.write_to_url()


# A worker process imports this file under another name, and must not draw pages.
if __name__ == "__main__":
    main()
