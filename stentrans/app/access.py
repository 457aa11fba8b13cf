"""Who is here, and what they may see.

On a private server, which only people at this machine reach and which asks for no login, everybody
is one user. On any other, a browser sees the sections that it opened itself, public ones, and those
that a link was given for.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from threading import Lock
from typing import Any, Final

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from stentrans.app import cache
from stentrans.app.desks import Link, is_token, new_token
from stentrans.app.server import is_private_server
from stentrans.errors import ParameterError
from stentrans.passwords import PASSWORD_VARIABLE, is_password

COOKIE: Final = "stentrans_desk"
LINK_PARAMETER: Final = "link"
_TOKEN, _IS_IN, _LINKS = "stentrans_token", "stentrans_is_in", "stentrans_links"
_COOKIE_DAYS = 30
# Guesses of a password wait for each other, so that they cannot be made by the thousand.
_ONE_GUESS = Lock()


def is_shared() -> bool:
    """Say whether people must be told apart."""
    return not is_private_server() or _has_login() or bool(_password_hash())


def gate() -> None:
    """Ask for a login or a password where one is set; go no further before it is given."""
    if _has_login():
        if not st.user.is_logged_in:
            st.header("stEnTrans")
            st.button("Sign in", type="primary", on_click=st.login, icon=":material/login:")
            st.stop()
    elif _password_hash() and not _came_with_password():
        _ask_for_password()
        st.stop()
    if is_shared():
        _give_cookie()


def who() -> str:
    """Return the name of the user; empty where nobody signs in."""
    if not _has_login() or not st.user.is_logged_in:
        return ""
    told = st.user.to_dict()
    return str(told.get("name") or told.get("email") or "")


def owner() -> str:
    """Return the key of whoever is here: the account, else the browser."""
    if _has_login() and st.user.is_logged_in:
        told = st.user.to_dict()
        return json.dumps(["account", told.get("iss"), told.get("sub") or told.get("email")])
    return f"browser {_token()}"


def may_open(section: str) -> bool:
    """Say whether whoever is here may see a section."""
    if not is_shared() or section in cache.desks().labels(owner()):
        return True
    if cache.store().about("sections", section).get("public"):
        return True
    return any(link.section == section for link in _given_links())


def keep(section: str, label: str) -> None:
    """Remember that a section was opened here, so that a reload finds it again."""
    if is_shared() and not any(link.section == section for link in _given_links()):
        cache.desks().put(owner(), section, label)


def opened_before() -> dict[str, str]:
    """Return the sections that were opened here earlier, id to name, where people are told apart.

    What stands among them for a password that was given is no section, and is not in the store.
    """
    return cache.desks().labels(owner()) if is_shared() else {}


def take_link() -> Link | None:
    """Return what the link in the page's address opens, and remember it; None without one."""
    token = st.query_params.get(LINK_PARAMETER, "")
    link = cache.desks().link(token)
    if link is not None:
        given: list[str] = st.session_state.setdefault(_LINKS, [])
        if token not in given:
            given.append(token)
    return link


def share(section: str, run: str, label: str) -> str:
    """Make a link to a section and return its token.

    Raises
    ------
    ParameterError
        If whoever is here may not see it.
    """
    if not may_open(section):
        raise ParameterError("Only a section that you opened can be shared; open it first.")
    return cache.desks().share(Link(section, run, label, owner(), time.time()))


def my_links(section: str) -> dict[str, Link]:
    """Return the links to a section that were made here, by their names on disk."""
    found = cache.desks().links_of(owner())
    return {name: link for name, link in found.items() if link.section == section}


def revoke(name: str) -> None:
    """Take back a link that was made here; whoever came by it loses the section."""
    cache.desks().revoke(name, owner())


def _given_links() -> list[Link]:
    """The links that brought this session here and were not revoked since."""
    found = (cache.desks().link(token) for token in st.session_state.get(_LINKS, []))
    return [link for link in found if link is not None]


def _token() -> str:
    """The token of this browser, from its cookie, else a new one."""
    if _TOKEN not in st.session_state:
        told = st.context.cookies.get(COOKIE)
        st.session_state[_TOKEN] = told if is_token(told) else new_token()
    return str(st.session_state[_TOKEN])


def _give_cookie() -> None:
    """Have the browser keep its token; a page address that is passed on says nothing of it."""
    token = _token()
    if st.context.cookies.get(COOKIE) == token:
        return
    is_https = (st.context.url or "").startswith("https")
    told = f"{COOKIE}={token}; path=/; max-age={_COOKIE_DAYS * 86400}; samesite=lax"
    told += "; secure" if is_https else ""
    script = f"<script>document.cookie = {json.dumps(told)};</script>"
    st.html(script, unsafe_allow_javascript=True)


def _secrets(name: str) -> Any:
    try:
        return st.secrets.get(name)
    except (StreamlitSecretNotFoundError, FileNotFoundError):
        return None


def _has_login() -> bool:
    return bool(_secrets("auth"))


def _password_hash() -> str:
    ours = _secrets("stentrans")
    told = ours.get("password_hash") if ours else None
    return str(told or os.environ.get(PASSWORD_VARIABLE, ""))


def _came_with_password() -> bool:
    """Whether the password was given here, or by this browser earlier and is still the same."""
    wanted = _password_hash()
    if st.session_state.get(_IS_IN) == wanted:
        return True
    return _pass_of(wanted) in cache.desks().labels(owner())


def _pass_of(wanted: str) -> str:
    return "password " + hashlib.sha256(wanted.encode()).hexdigest()


def _ask_for_password() -> None:
    st.header("stEnTrans")
    with st.form("login"):
        given = st.text_input("Password of this server", type="password")
        is_sent = st.form_submit_button("Enter", type="primary")
    if not is_sent:
        return
    wanted = _password_hash()
    with _ONE_GUESS:
        is_right = is_password(given, wanted)
    if is_right:
        st.session_state[_IS_IN] = wanted
        cache.desks().put(owner(), _pass_of(wanted), "")
        st.rerun()
    st.error("This is not the password.", icon=":material/lock:")
