"""Small checks with one message form: what must hold, what was given."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from numbers import Integral, Real

from stentrans.errors import MissingKeyError, ParameterError


def check_option(name: str, given: object, options: Collection[object]) -> None:
    """Raise ParameterError unless ``given`` is one of ``options``."""
    if given not in options:
        listed = ", ".join(str(option) for option in options)
        raise ParameterError(f"{name} must be one of {listed}; got {given!r}.")


def check_integer(name: str, given: object, *, low: int, high: int | None = None) -> int:
    """Return ``given`` as int, or raise ParameterError unless ``low <= given <= high``."""
    if isinstance(given, bool) or not isinstance(given, Integral):
        raise ParameterError(f"{name} must be a whole number; got {given!r}.")
    value = int(given)
    if value < low or (high is not None and value > high):
        span = f"at least {low}" if high is None else f"between {low} and {high}"
        raise ParameterError(f"{name} must be {span}; got {value}.")
    return value


def check_seed(given: object) -> int:
    """Return ``given`` as int, or raise ParameterError unless every generator takes it."""
    return check_integer("seed", given, low=0, high=2**32 - 1)


def check_number(name: str, given: object, *, low: float, high: float) -> float:
    """Return ``given`` as float, or raise ParameterError unless ``low <= given <= high``."""
    if isinstance(given, bool) or not isinstance(given, Real):
        raise ParameterError(f"{name} must be a number; got {given!r}.")
    value = float(given)
    if not low <= value <= high:
        raise ParameterError(f"{name} must be between {low} and {high}; got {value}.")
    return value


def check_names(kind: str, given: Collection[str], known: Collection[str]) -> None:
    """Raise MissingKeyError naming the first unknown names and the closest known ones."""
    known_set = set(known)
    missing = [name for name in given if name not in known_set]
    if not missing:
        return
    shown = ", ".join(repr(name) for name in missing[:5]) + (" …" if len(missing) > 5 else "")
    by_lower = {name.lower(): name for name in known_set}
    close = [by_lower[k] for k in get_close_matches(missing[0].lower(), list(by_lower), n=3)]
    hint = f" Close to it: {', '.join(close)}." if close else ""
    raise MissingKeyError(
        f"Every {kind} asked for must be among the {len(known_set)} {kind}s of this section; "
        f"{shown} {'is' if len(missing) == 1 else 'are'} not.{hint}"
    )
