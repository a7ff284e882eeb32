"""Finding the package in a generated tree."""

from __future__ import annotations

import ast
import json
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
    service: str = ""
    """The pipeline's name, under which the store keeps its runs."""
    plan: str = ""
    """The digest that runs are pinned to."""

    def has(self, module: str) -> bool:
        """Whether the package has a module."""
        return (self.folder / self.package / f"{module}.py").is_file()


def find(folder: Path) -> Tree:
    """Find the package; raises TreeError."""
    if not folder.is_dir():
        raise TreeError(f"{folder} is not a folder")
    packages = [package for package in sorted(folder.iterdir()) if all((package / mark).is_file() for mark in _MARKS)]
    if len(packages) == 1:
        [package] = packages
        service = _service(package / "graph.py") or package.name
        return Tree(folder.resolve(), package.name, service, _plan(package / "source_map.json"))
    if not packages:
        raise TreeError(f"{folder} holds no generated package: build one with `saltern build PIPELINE -o {folder}`")
    names = ", ".join(package.name for package in packages)
    raise TreeError(
        f"{folder} holds several generated packages ({names}): build each pipeline into a folder of its own"
    )


def _service(graph: Path) -> str:
    """Read the first argument of `Graph("name", …)` out of the text."""
    try:
        parsed = ast.parse(graph.read_bytes())
    except (SyntaxError, ValueError):
        return ""
    for call in (part for part in ast.walk(parsed) if isinstance(part, ast.Call) and part.args):
        name = call.args[0]
        if isinstance(call.func, ast.Name) and call.func.id == "Graph" and isinstance(name, ast.Constant):
            return str(name.value)
    return ""


def _plan(source_map: Path) -> str:
    try:
        return str(json.loads(source_map.read_text("utf-8")).get("plan", ""))
    except (ValueError, AttributeError, RecursionError):
        return ""
