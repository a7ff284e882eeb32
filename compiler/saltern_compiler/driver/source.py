"""Reads a pipeline's text, and those of its own modules that it calls."""

from __future__ import annotations

import posixpath
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from saltern_compiler.frontend import MAX_CHARACTERS, read
from saltern_compiler.frontend.notations import notation_like, suffixes
from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.registry import Registry
from saltern_runtime.dataclass import dataclass

STDIN: Final = "-"
MAX_BYTES: Final = 4 * MAX_CHARACTERS
_MAX_MODULE: Final = 1_048_576


class SourceError(Exception):
    """A source cannot be read; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a pipeline, and where its own modules lie."""

    name: str
    """File name, without folders."""
    text: str
    folder: Path

    @classmethod
    def load(cls, path: str) -> Self:
        """Read a file, or standard input for `-`; raises SourceError."""
        if path == STDIN:
            text = decode(sys.stdin.buffer.read(MAX_BYTES + 1), "standard input")
            return cls(sniff(text, "stdin"), text, Path.cwd())
        if not path.lower().endswith(suffixes()) and not Path(path).is_dir():
            *others, last = suffixes()
            raise SourceError(f"{path}: a pipeline's file ends in {', '.join(others)} or {last}")
        return cls(Path(path).name, decode(_read(Path(path), MAX_BYTES), path), Path(path).parent)

    def places(self, pipeline: Pipeline, registry: Registry) -> frozenset[Path]:
        """Return where the pipelines that it uses and the modules that nodes name lie, or should."""
        return frozenset(self.folder / path for path in self._beside(pipeline, registry))

    def files(self, pipeline: Pipeline, registry: Registry) -> Mapping[str, str]:
        """Read the pipelines that it uses, however far, and the modules that their nodes name: path from its folder → text.

        What is not there or cannot be read is for the checks to report.
        """
        found = self._beside(pipeline, registry)
        return {path: text for path, text in sorted(found.items()) if text is not None}

    def _beside(self, pipeline: Pipeline, registry: Registry) -> Mapping[str, str | None]:
        from saltern_compiler.driver.link import own_modules, target_of  # noqa: PLC0415 - many commands only load

        texts: dict[str, str | None] = {}
        waiting = [(self.name, pipeline)]
        while waiting:
            name, of = waiting.pop()
            folder = posixpath.dirname(name)
            for module in own_modules(of, registry):
                path = posixpath.join(folder, module)
                texts[path] = self._text(path, _MAX_MODULE, "utf-8")
            for use in of.uses:
                target = target_of(name, use.path)
                if target is None or target in texts or target == self.name or not target.endswith(suffixes()):
                    continue
                text = texts[target] = self._text(target, MAX_BYTES, "utf-8-sig")
                inner = None if text is None else read(text, target, registry)[0]
                if inner is not None:
                    waiting.append((target, inner))
        return texts

    def read(self, relative: str, limit: int) -> bytes:
        """Read what lies beside it; raises SourceError, also for what lies outside of its folder."""
        path = self.folder / relative
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise SourceError(f"{path}: outside of the pipeline's folder")
        return _read(path, limit)

    def _text(self, relative: str, limit: int, encoding: str) -> str | None:
        try:
            return self.read(relative, limit).decode(encoding)
        except (OSError, UnicodeDecodeError, SourceError):
            return None


def sniff(text: str, stem: str = "pipeline") -> str:
    """Name a text that has no name, so that the suffix tells its notation."""
    return stem + notation_like(text).suffixes[0]


def _read(path: Path, limit: int) -> bytes:
    try:
        if stat.S_ISDIR(path.stat().st_mode):
            raise SourceError(f"{path}: this is a directory; name the pipeline's file inside it")
        if not stat.S_ISREG(path.stat().st_mode):
            raise SourceError(f"{path}: this is no regular file")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file") from None
    except ValueError as error:
        raise SourceError(f"{path!s}: {error}") from None
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from None
    if len(data) > limit:
        raise SourceError(f"{path}: larger than {limit:,} bytes")
    return data


def decode(data: bytes, name: str) -> str:
    """Return the text of a file; raises SourceError."""
    if len(data) > MAX_BYTES:
        raise SourceError(f"{name}: larger than {MAX_BYTES:,} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SourceError(
            f"{name}: not UTF-8 (the byte 0x{data[error.start]:02x} in line {line}); save it as UTF-8"
        ) from None
