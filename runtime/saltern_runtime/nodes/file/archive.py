"""ZIP archives that Office files are: how much one may unpack to, counted while it unpacks."""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from saltern_runtime.nodes.file.refusal import Refusal

ENTRIES: Final = 10_000
UNPACKED: Final = 256 << 20
"""Bytes of all entries together."""
RATIO: Final = 200
"""How much larger than itself an archive may unpack, once that is more than `FREE` bytes."""
FREE: Final = 16 << 20
_STEP: Final = 1 << 16
_DTDS: Final = tuple("<!DOCTYPE".encode(encoding) for encoding in ("ascii", "utf-16-le", "utf-16-be"))
_BROKEN: Final = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, OSError, EOFError, ValueError, OverflowError, NotImplementedError,
    RuntimeError,
)  # fmt: skip
"""What zipfile raises for archives that are none, or of a method that it does not know."""


@contextlib.contextmanager
def opened(content: BinaryIO) -> Iterator[zipfile.ZipFile]:
    """Open an archive; whatever is wrong with it raises Refusal (`unreadable`)."""
    try:
        with zipfile.ZipFile(content) as packed:
            yield packed
    except _BROKEN as error:
        raise Refusal("unreadable", f"it is a damaged ZIP archive ({type(error).__name__})") from None


def check(packed: zipfile.ZipFile, size: int) -> None:
    """Unpack every entry once, keeping none; raises Refusal for a bomb, a password, and XML that declares entities."""
    entries = packed.infolist()
    if len(entries) > ENTRIES:
        raise Refusal("too-large", f"it holds {len(entries)} parts; {ENTRIES} are the most")
    if len({entry.filename for entry in entries}) != len(entries):
        raise Refusal("unreadable", "it holds two parts of the same name")
    total = 0
    for entry in entries:
        if entry.flag_bits & 1:
            raise Refusal("encrypted", "it is protected by a password; take the protection away")
        before = b""
        with packed.open(entry) as part:
            while step := part.read(_STEP):
                total += len(step)
                if total > UNPACKED or (total > FREE and total > RATIO * size):
                    raise Refusal("too-large", f"it unpacks to far more than its {size} bytes, as bombs do")
                if any(dtd in before + step for dtd in _DTDS) and entry.filename.endswith((".xml", ".rels")):
                    raise Refusal("unreadable", f"{entry.filename} declares a DTD, which no Office file does")
                before = step[-32:]
