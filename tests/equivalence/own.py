"""Own code that writes down that it was called, in the file that SALTERN_EQUIVALENCE_LOG names: a JSON list a line."""

import json
import os
from pathlib import Path

from saltern_runtime.errors import PermanentError, TransientError


def _wrote(name: str, tag: str, value: int) -> int:
    """Write a line, and return how often it stood there before."""
    line = json.dumps([name, tag, value])
    file = Path(os.environ["SALTERN_EQUIVALENCE_LOG"])
    before = file.read_text().splitlines().count(line) if name == "flaky" else 0
    with file.open("a") as log:
        log.write(f"{line}\n")
    return before


def note(tag: str, value: int) -> int:
    """Give the next number."""
    _wrote("note", tag, value)
    return value + 1


def ask(tag: str, value: int) -> int:
    """Give twice the number; asked again, it gives the same."""
    _wrote("ask", tag, value)
    return value * 2


def look(tag: str, value: int) -> int:
    """Give the number before, however often it is looked at."""
    _wrote("look", tag, value)
    return value - 1


def half(value: int) -> int:
    """Give half of an even number; refuse others."""
    if value % 2:
        raise PermanentError("this number is odd", code="odd")
    return value // 2


def boom(tag: str, value: int) -> int:
    """Fail for good."""
    _wrote("boom", tag, value)
    raise PermanentError("this always fails", code="boom", status=409)


def refuse(tag: str, value: int) -> int:
    """Fail as often as it is tried."""
    _wrote("refuse", tag, value)
    raise TransientError("not now", code="not-now")


def crash(tag: str, value: int) -> int:
    """Fail with what is no error of a node."""
    _wrote("crash", tag, value)
    raise ValueError(tag)


def flaky(tag: str, value: int) -> int:
    """Fail every other time, beginning with the first."""
    if _wrote("flaky", tag, value) % 2 == 0:
        raise TransientError("once more", code="once-more")
    _wrote("done", tag, value)
    return value
