"""Texts that look like secrets: what they are, and how a line that holds one is shown."""

from __future__ import annotations

import re
from typing import Final

_KINDS: Final = (
    (re.compile(r"xox[abeoprs]-[A-Za-z0-9-]{10,}"), "a Slack token"),
    (re.compile(r"\bsk-[A-Za-z0-9_-]{20,}"), "an API key"),
    (re.compile(r"\bgh[oprsu]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{22,}"), "a GitHub token"),
    (re.compile(r"(?:\bv[0-9]+,)?\bwhsec_[A-Za-z0-9+/=_-]{16,}"), "a signing secret of webhooks (`whsec_…`)"),
    (re.compile(r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"), "a Stripe key"),
    (re.compile(r"\bshp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}"), "a Shopify secret"),
    (re.compile(r"\bAKIA[0-9A-Z]{16}\b"), "an AWS access key"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"), "a private key"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\."), "a JSON Web Token"),
    (re.compile(r"\b[a-z][a-z0-9+]*://[^\s/:@]+:[^\s/@]{3,}@"), "a URL with a password"),
)
_HEX: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}")
_WRITTEN: Final = re.compile(r"""((?:env\()?["'`]?)(.*?)(["'`]?\)?)""")
"""A secret on a line: what stands before it, itself, what stands behind it."""
_SHOWN: Final = 8
"""Characters of a secret that are shown."""


def kinds(text: str, *, in_place: bool = False) -> list[str]:
    """Return what a text may hold, sorted; `in_place` of a secret plain digits are one too, such as Slack hands out."""
    found = {kind for pattern, kind in _KINDS if pattern.search(text)}
    if in_place and not found and _HEX.fullmatch(text):
        found.add("a key in hexadecimal digits")
    return sorted(found)


def veil(text: str) -> str:
    """Cover what looks like a secret but for its beginning; the text keeps its length, so that places stay right."""
    for pattern, _ in _KINDS:
        text = pattern.sub(lambda found: cover(found[0]), text)
    return text


def cover(written: str) -> str:
    """Cover a secret but for its beginning, at least two thirds; quotes around it stay, and `env(` before them."""
    parts = _WRITTEN.fullmatch(written)
    before, secret, after = parts.groups() if parts else ("", written, "")
    shown = min(_SHOWN, len(secret) // 3)
    return f"{before}{secret[:shown]}{'*' * (len(secret) - shown)}{after}"
