"""Finding the package in a generated tree."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MARKS: Final = ("__init__.py", "graph.py", "source_map.json")


class TreeError(Exception):
    """A folder that is no generated tree."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A generated tree and its one package."""

    folder: Path
    package: str

    def has(self, module: str) -> bool:
        """Whether the package has a module."""
        return (self.folder / self.package / f"{module}.py").is_file()


def find(folder: Path) -> Tree:
    """Find the package; raises TreeError."""
    if not folder.is_dir():
        raise TreeError(f"{folder} is not a folder")
    packages = [each for each in sorted(folder.iterdir()) if all((each / mark).is_file() for mark in _MARKS)]
    if len(packages) == 1:
        return Tree(folder.resolve(), packages[0].name)
    if not packages:
        raise TreeError(f"{folder} holds no generated package: build one with `saltern build PIPELINE -o {folder}`")
    names = ", ".join(each.name for each in packages)
    raise TreeError(
        f"{folder} holds several generated packages ({names}): build each pipeline into a folder of its own"
    )
