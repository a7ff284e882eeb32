"""How a tree on disk differs from what a build would write there. Reads only."""

from __future__ import annotations

import difflib
import stat
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from saltern_compiler.driver.manifest import (
    BUILD_FILE,
    ManifestError,
    digest,
    read_files,
    read_level,
    read_targets,
    read_triggers,
)
from saltern_runtime.dataclass import dataclass

_NO_NEWLINE: Final = "\\ No newline at end of file"


class Kind(StrEnum):
    """In what way a file differs; the value is how a person is told."""

    MISSING = "missing"
    STALE = "stale"
    CHANGED = "changed by hand"
    EXTRA = "no longer generated"
    BLOCKED = "not a regular file"


@dataclass(frozen=True, slots=True)
class Difference:
    """A file that is not as a build would leave it."""

    path: str
    kind: Kind
    there: bytes = b""
    wanted: bytes = b""

    def lines(self) -> Iterator[str]:
        """Yield a unified diff from what is there to what is wanted, without line ends; a file that is not text only says so."""
        try:
            there, wanted = self.there.decode("utf-8"), self.wanted.decode("utf-8")
        except UnicodeDecodeError:
            yield f"Binary file {self.path} differs"
            return
        diff = difflib.unified_diff(_lines(there), _lines(wanted), f"a/{self.path}", f"b/{self.path}", n=3, lineterm="")
        for line in diff:
            text, ends, _ = line.partition("\n")
            yield text
            if not ends and not line.startswith(("---", "+++", "@@")):
                yield _NO_NEWLINE


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a build would change in a folder, sorted by path; nothing where the tree is fresh."""

    differences: tuple[Difference, ...]
    targets: tuple[str, ...]
    """Those of the build that wrote the tree; empty where it is not known."""
    level: int | None
    """How much that build was optimized; None where it is not known."""
    triggers: tuple[str, ...] | None = None
    """What that build was given in place of the source's triggers; None where it is not known."""


def compare_tree(artifacts: Mapping[str, bytes], directory: Path) -> Comparison:
    """Compare a folder with the files that a build would leave there; raises OSError where it cannot be read.

    Files that no build wrote do not count.
    """
    kind, build_file = _read(directory / BUILD_FILE)
    try:
        before = read_files(build_file) if kind is None else {}
    except ManifestError:
        before = {}
    paths = sorted({*artifacts, *before})
    differences = (_difference(path, directory, before.get(path), artifacts.get(path)) for path in paths)
    return Comparison(
        tuple(difference for difference in differences if difference is not None),
        read_targets(build_file),
        read_level(build_file),
        read_triggers(build_file),
    )


def _difference(path: str, directory: Path, before: str | None, wanted: bytes | None) -> Difference | None:
    problem, there = _read_inside(directory, path)
    if wanted is None:
        return None if problem is Kind.MISSING else Difference(path, problem or Kind.EXTRA, there)
    if problem is not None:
        return Difference(path, problem, wanted=wanted)
    if there == wanted:
        return None
    by_hand = path != BUILD_FILE and digest(there) != before
    return Difference(path, Kind.CHANGED if by_hand else Kind.STALE, there, wanted)


def _read_inside(directory: Path, path: str) -> tuple[Kind | None, bytes]:
    """Read a file of the tree, never through a link inside it."""
    here = directory
    for part in path.split("/")[:-1]:
        here /= part
        if here.is_symlink():
            return Kind.BLOCKED, b""
    return _read(directory / path)


def _read(path: Path) -> tuple[Kind | None, bytes]:
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return Kind.MISSING, b""
    if not stat.S_ISREG(mode):
        return Kind.BLOCKED, b""
    return None, path.read_bytes()


def _lines(text: str) -> list[str]:
    """Split at line feeds alone, keeping them: a carriage return is a difference like any other."""
    *whole, rest = text.split("\n")
    return [f"{line}\n" for line in whole] + [rest] * bool(rest)
