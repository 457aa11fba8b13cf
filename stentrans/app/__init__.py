"""The web app's state, caches, shared widgets and words; with ``pages/`` the only Streamlit."""
