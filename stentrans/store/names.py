"""Names of entries: content ids and nothing else, as names come from addresses too."""

from __future__ import annotations

import re

from stentrans.errors import StoreError

_NAME = re.compile(r"[0-9a-f]{32}")


def is_name(name: object) -> bool:
    """Say whether this is 32 digits of 0-9 and a-f; only such a name may become part of a path."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def check_name(name: str) -> None:
    """Raise StoreError unless this is the name of an entry."""
    if not is_name(name):
        raise StoreError(
            f"The name of a stored section or run must be 32 digits of 0-9 and a-f; got {name!r}. "
            "Use the link as it was given."
        )
