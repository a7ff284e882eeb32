"""Reads a pipeline's text, and those of its own modules that it calls."""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from saltern_compiler.frontend import MAX_CHARACTERS
from saltern_compiler.frontend.notations import notation_like, suffixes
from saltern_compiler.ir.pipeline import Node, Pipeline, Region
from saltern_compiler.ir.values import Literal
from saltern_compiler.registry import Registry

STDIN: Final = "-"
_MAX_BYTES: Final = 4 * MAX_CHARACTERS
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
            text = _decode(sys.stdin.buffer.read(_MAX_BYTES + 1), "standard input")
            return cls(sniff(text, "stdin"), text, Path.cwd())
        if not path.lower().endswith(suffixes()) and not Path(path).is_dir():
            *others, last = suffixes()
            raise SourceError(f"{path}: a pipeline's file ends in {', '.join(others)} or {last}")
        return cls(Path(path).name, _decode(_read(Path(path), _MAX_BYTES), path), Path(path).parent)

    def places(self, pipeline: Pipeline, registry: Registry) -> frozenset[Path]:
        """Return where the modules that the pipeline's nodes name lie, or should."""
        modules = {module for _, _, module in own_modules(pipeline.body, registry)}
        return frozenset(self.folder / _relative(module) for module in modules)

    def files(self, pipeline: Pipeline, registry: Registry) -> Mapping[str, str]:
        """Read the modules that the pipeline's nodes name; what is not there or cannot be read is for the checks to report."""
        texts: dict[str, str] = {}
        for module in sorted({module for _, _, module in own_modules(pipeline.body, registry)}):
            relative = _relative(module)
            text = self._module(relative)
            if text is not None:
                texts[relative] = text
        return texts

    def _module(self, relative: str) -> str | None:
        path = self.folder / relative
        try:
            if not path.resolve().is_relative_to(self.folder.resolve()):
                return None
            return _read(path, _MAX_MODULE).decode("utf-8")
        except (OSError, UnicodeDecodeError, SourceError):
            return None


def sniff(text: str, stem: str = "pipeline") -> str:
    """Name a text that has no name, so that the suffix tells its notation."""
    return stem + notation_like(text).suffixes[0]


def own_modules(region: Region, registry: Registry) -> Iterator[tuple[Node, str, str]]:
    """Yield node, parameter and module for parameters that name one, such as `python.call`'s `function`."""
    for node in region.nodes:
        spec = registry.node(node.type, node.version)
        value = node.param(spec.imports_param) if spec is not None and spec.imports_param else None
        if spec is not None and isinstance(value, Literal) and isinstance(value.value, str):
            module = value.value.partition(":")[0]
            if all(part.isidentifier() for part in module.split(".")):
                yield node, spec.imports_param, module
        if node.body is not None:
            yield from own_modules(node.body, registry)


def _relative(module: str) -> str:
    return module.replace(".", "/") + ".py"


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


def _decode(data: bytes, name: str) -> str:
    if len(data) > _MAX_BYTES:
        raise SourceError(f"{name}: larger than {_MAX_BYTES:,} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SourceError(
            f"{name}: not UTF-8 (the byte 0x{data[error.start]:02x} in line {line}); save it as UTF-8"
        ) from None
