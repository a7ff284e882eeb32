"""Bearer tokens of the API: made here, stored hashed. `python -m saltern_runtime.web.tokens new TENANT`.

A token is 32 random bytes, so a plain SHA-256 is enough: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

PREFIX: Final = "saltern_"
_ENTRY: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,63})=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Entry:
    """A tenant and the hash of one of its tokens."""

    tenant: str
    digest: str

    def __str__(self) -> str:
        return f"{self.tenant}=sha256:{self.digest}"

    @property
    def name(self) -> str:
        """What the audit calls whoever holds the token; it tells nothing of the token."""
        return f"token:{self.digest[:8]}"


def new(tenant: str) -> tuple[str, Entry]:
    """Make a token and its entry; raises ValueError for a name that no tenant can have."""
    token = PREFIX + secrets.token_urlsafe(32)
    return token, read(f"{tenant}=sha256:{_digest(token)}")[0]


def read(text: str) -> tuple[Entry, ...]:
    """Read `SALTERN_API_TOKENS`; raises ValueError naming each entry by its number, never by its content."""
    entries: list[Entry] = []
    bad: list[int] = []
    for number, part in enumerate(filter(None, (part.strip() for part in text.split(","))), start=1):
        match = _ENTRY.fullmatch(part)
        if match is None:
            bad.append(number)
            continue
        entries.append(Entry(match[1], match[2]))
    if bad:
        which = ", ".join(map(str, bad))
        raise ValueError(f"SALTERN_API_TOKENS: entry {which} is not tenant=sha256:<64 hex digits>")
    return tuple(entries)


def entry_of(token: str, entries: Sequence[Entry]) -> Entry | None:
    """Return the entry of a token, comparing with every one in the same time."""
    presented = _digest(token)
    found: Entry | None = None
    for entry in entries:
        if hmac.compare_digest(entry.digest, presented):
            found = entry
    return found


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def main(arguments: Sequence[str]) -> int:
    """Print a new token and the entry to put into `SALTERN_API_TOKENS`."""
    match arguments:
        case ["new", tenant]:
            pass
        case _:
            sys.stderr.write("usage: python -m saltern_runtime.web.tokens new TENANT\n")
            return 2
    try:
        token, entry = new(tenant)
    except ValueError:
        sys.stderr.write(f"{tenant!r} cannot name a tenant: up to 64 letters, digits, dots, dashes, underscores\n")
        return 2
    sys.stdout.write(f"token (give it to the client, it is shown only now): {token}\n")
    sys.stdout.write(f"entry (add it to SALTERN_API_TOKENS, comma-separated): {entry}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
