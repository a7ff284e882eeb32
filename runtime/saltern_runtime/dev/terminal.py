"""What is written to a terminal: JSON as people read it, failures as lines."""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import Any, Final, TextIO

_UNSHOWN: Final = re.compile("[\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What moves a cursor, turns text round, or is half of a character; JSON itself escapes what is below a blank."""


def json_text(value: Any, out: TextIO, *, indent: int | None = None) -> str:
    """Write a value as JSON; what the encoding of `out` cannot hold, or nobody should see raw, is escaped."""
    text = json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
    text = _UNSHOWN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    try:
        text.encode(getattr(out, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, indent=indent, allow_nan=False)
    return text


def log_lines(*, verbose: bool) -> None:
    """Send warnings of this process to standard error as plain lines; `verbose`: with the calls that led to each failure."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(logging.Formatter("%(message)s"))
    if verbose:
        logging.getLogger("saltern.engine").setLevel(logging.DEBUG)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
