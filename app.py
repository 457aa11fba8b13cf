"""Router of the web app: ``streamlit run app.py``."""

from __future__ import annotations


def main() -> None:
    """Draw the shared sidebar and the page that was asked for."""
    from stentrans.app import access, demo, links, router, state, widgets

    widgets.page_look()
    page = router.current_page()
    access.gate()
    state.mark_routed()
    with widgets.show_errors():
        state.open_shared()
        links.restore()
        demo.start()
        widgets.sidebar()
        links.show_waiting()
    page.run()
    state.write_to_url()


# The server imports this file as "app", Streamlit runs it for every page as "__main__"; a worker
# process imports it under another name again, and must do neither.
if __name__ == "app":
    import streamlit as st

    from stentrans.app import downloads

    app = st.App(__file__, routes=downloads.routes())
elif __name__ == "__main__":
    main()
