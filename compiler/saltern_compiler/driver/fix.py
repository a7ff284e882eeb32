"""Applies fixes to a source until no finding has one left."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

from saltern_compiler.diagnostics.fixes import apply_fixes
from saltern_compiler.diagnostics.model import Fix
from saltern_compiler.driver.compile import check_loaded
from saltern_compiler.driver.result import Result
from saltern_compiler.driver.source import Source
from saltern_compiler.frontend.locate import Locator
from saltern_compiler.registry import Registry
from saltern_runtime.dataclass import dataclass

_ROUNDS: Final = 10
"""A fix may bring other findings to light, with fixes of their own; so often at most."""
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class FixedSource:
    """A source after its fixes, what is still found in it, and what was done, in order."""

    source: Source
    result: Result
    fixes: tuple[Fix, ...]


def fix_loaded(source: Source, *, registry: Registry | None = None) -> FixedSource:
    """Apply every fix that there is; writes nothing. A round after which the text can no longer be read is taken back."""
    result = check_loaded(source, registry=registry)
    done: list[Fix] = []
    for _ in range(_ROUNDS):
        fixed = apply_fixes(source.text, result.diagnostics, Locator(source.text, source.name))
        if fixed.text == source.text:
            break
        after = replace(source, text=fixed.text)
        checked = check_loaded(after, registry=registry)
        if checked.pipeline is None and result.pipeline is not None:
            break
        source, result = after, checked
        done += fixed.fixes
    return FixedSource(source, result, tuple(done))


def write_source(path: Path, text: str) -> None:
    """Replace a file's text in one step, keeping its mode and its byte order mark; raises OSError."""
    target = path.resolve()
    with target.open("rb") as file:
        mark = _BOM if file.read(len(_BOM)) == _BOM else b""
    handle, draft = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(mark + text.encode())
            file.flush()
            os.fsync(file.fileno())
        Path(draft).chmod(target.stat().st_mode & 0o7777)
        Path(draft).replace(target)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
