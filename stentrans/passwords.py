"""One password for a shared server: only its hash is ever kept."""

from __future__ import annotations

import hashlib
import hmac
import os
from binascii import unhexlify
from typing import Final

from stentrans.errors import ParameterError

PASSWORD_VARIABLE: Final = "STENTRANS_PASSWORD_HASH"


def hash_password(password: str, salt: bytes | None = None) -> str:
    """Return what stands for a password in the secrets: ``scrypt:salt:hash``."""
    salt = os.urandom(16) if salt is None else salt
    made = hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32)
    return f"scrypt:{salt.hex()}:{made.hex()}"


def is_password(given: str, wanted: str) -> bool:
    """Compare a password with its hash, in a time that tells nothing.

    Raises
    ------
    ParameterError
        If the hash is not one that `hash_password` made.
    """
    kind, _, rest = wanted.partition(":")
    salt = rest.partition(":")[0]
    try:
        if kind != "scrypt":
            raise ValueError(kind)
        made = hash_password(given, unhexlify(salt))
    except ValueError as error:
        raise ParameterError(
            f"{PASSWORD_VARIABLE} must hold what `python -m stentrans password` prints; it does "
            "not. Make it again."
        ) from error
    return hmac.compare_digest(made, wanted)
