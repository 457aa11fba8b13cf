"""What is known of the server that the app runs on."""

from __future__ import annotations

from ipaddress import ip_address

import streamlit as st


def is_private_server() -> bool:
    """Say whether only people on this machine can reach the app."""
    address = st.get_option("server.address") or ""
    if address == "localhost":
        return True
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
