"""What is installed that offers something to us: `importlib.metadata.entry_points` for a fraction of its time.

Importing `importlib.metadata` loads what reads mail and archives, and a distribution's name is a header of a mail to it: together a seventh
of a cold check. Names and entry points are plain lines, which are read here. Where distributions may lie in an archive, or where something
else than Python's own finder knows of some, `importlib.metadata` is asked after all.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from functools import cache, reduce
from importlib import import_module
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, Final, Protocol

from saltern_runtime.dataclass import dataclass

_SUFFIXES: Final = (".dist-info", ".egg-info")


class Distribution(Protocol):
    """What we ask a distribution for: also one of `importlib.metadata`."""

    @property
    def name(self) -> str:
        """The name of the project."""

    @property
    def version(self) -> str:
        """Its version."""

    @property
    def requires(self) -> list[str] | None:
        """Its requirements (PEP 508)."""


class EntryPoint(Protocol):
    """What we ask an entry point for: also one of `importlib.metadata`."""

    @property
    def name(self) -> str:
        """What stands before the `=`."""

    @property
    def value(self) -> str:
        """What stands behind it."""

    @property
    def group(self) -> str:
        """The section that it stands in."""

    @property
    def module(self) -> str:
        """The module of the value."""

    @property
    def dist(self) -> Distribution | None:
        """The distribution that has it."""

    def load(self) -> Any:
        """Import what it leads to."""


def entry_points(groups: Collection[str]) -> tuple[EntryPoint, ...]:
    """Return the entry points of some groups, in the order in which Python finds distributions."""
    found: list[EntryPoint] = []
    known: set[str] = set()
    if any(hasattr(finder, "find_distributions") for finder in sys.meta_path if finder is not PathFinder):
        return _as_python_says(groups)
    for root in map(str, sys.path):  # some put paths there, which Python's own reader takes
        if root.endswith(".egg") or os.path.isfile(root):  # noqa: PTH113 - a Path for each takes longer than to look
            return _as_python_says(groups)
        for name in _listed(root):
            if name.endswith(_SUFFIXES) and (project := _normal(name)) not in known:
                known.add(project)
                found += _offered(os.path.join(root, name), groups)  # noqa: PTH118 - as above: one for each distribution
    return tuple(found)


def _as_python_says(groups: Collection[str]) -> tuple[EntryPoint, ...]:
    from importlib import metadata  # noqa: PLC0415 - not to load it is what this module is for

    every = metadata.entry_points()  # reads all that is installed, each time
    return tuple(point for group in groups for point in every.select(group=group))


def _listed(root: str) -> list[str]:
    try:
        return os.listdir(root or ".")  # noqa: PTH208 - names alone, in the order in which Python finds them
    except OSError:
        return []


def _normal(folder: str) -> str:
    """Return the name of a distribution by that of its folder, `My.Name-1.0.dist-info`, as it is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "_", folder.rpartition(".")[0].partition("-")[0]).lower()


def _offered(folder: str, groups: Collection[str]) -> Iterator[EntryPoint]:
    try:
        with open(os.path.join(folder, "entry_points.txt"), "rb", buffering=0) as file:  # noqa: PTH118, PTH123 - no Path for each distribution
            text = file.read()
    except OSError:
        return
    if not any(group.encode() in text for group in groups):
        return
    group, dist = "", _Installed(folder)
    for line in map(str.strip, text.decode().splitlines()):
        if line.startswith("[") and line.endswith("]"):
            group = line.strip("[]")
        elif group in groups and line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield _Point(name.strip(), value.strip(), group, dist)


@dataclass(frozen=True, slots=True)
class _Point:
    """One line: `name = module:attribute.of [extras]`."""

    name: str
    value: str
    group: str
    dist: Distribution | None

    @property
    def module(self) -> str:
        return self._parts()[0]

    def load(self) -> Any:
        module, attributes = self._parts()
        return reduce(getattr, filter(None, attributes.split(".")), import_module(module))

    def _parts(self) -> tuple[str, str]:
        module, _, attributes = self.value.partition("[")[0].partition(":")
        return module.strip(), attributes.strip()


@dataclass(frozen=True, slots=True)
class _Installed:
    """A distribution by the folder of its metadata."""

    folder: str

    @property
    def name(self) -> str:
        return self._header("Name")

    @property
    def version(self) -> str:
        return self._header("Version")

    @property
    def requires(self) -> list[str] | None:
        from importlib import metadata  # noqa: PLC0415 - only plugins are asked for it

        return metadata.Distribution.at(self.folder).requires

    def _header(self, name: str) -> str:
        return _headers(self.folder).get(name, "")


@cache
def _headers(folder: str) -> Mapping[str, str]:
    """Read the headers that stand on one line, by their names as they are mostly written; they end at the first empty line."""
    for file in ("METADATA", "PKG-INFO"):
        path = Path(folder, file)
        if path.is_file():
            lines = path.read_text("utf-8").partition("\n\n")[0].splitlines()
            pairs = [line.partition(":") for line in lines if not line.startswith((" ", "\t"))]
            return {name.capitalize(): value.strip() for name, _, value in reversed(pairs)}
    return {}
