"""All pages of the site: those that people write, with what the compiler knows filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from docs.making.nodes import node_page, nodes_index, own_nodes
from docs.making.page import make_page
from docs.making.reference import (
    connections_page,
    diagnostics_index,
    diagnostics_pages,
    functions_page,
    trigger_settings,
)
from saltern_compiler.registry import Registry

CONFIG: Final = "zensical.toml"
_NODES: Final = "    # nodes\n"
"""The line of the configuration in whose place the pages of the node types stand."""
_SETTINGS: Final = re.compile(r"^<!-- settings of the trigger (\w+) -->$", re.MULTILINE)


def read_pages(root: Path) -> dict[str, str]:
    """Read the pages that people write: path → text."""
    return {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in sorted(root.rglob("*.md"))}


def make_site(written: Mapping[str, str], config: str, registry: Registry) -> dict[str, str]:
    """Make every file that the generator reads: path → text. Pages and pictures lie below `pages/`.

    `written`: the pages that people write; raises PageError.
    """
    files = {CONFIG: config.replace(_NODES, "".join(_nav(registry)))}
    for path, text in _texts(written, registry):
        made = make_page(path, text, registry)
        folder = path.rpartition("/")[0]
        files[f"pages/{path}"] = made.text
        files |= {"/".join(filter(None, ("pages", folder, name))): svg for name, svg in made.pictures.items()}
    return files


def _texts(written: Mapping[str, str], registry: Registry) -> Iterator[tuple[str, str]]:
    settings = trigger_settings()
    for path, text in written.items():
        if not path.startswith("nodes/"):
            yield path, _SETTINGS.sub(lambda match: settings[match[1]], text)
    for spec in own_nodes(registry):
        path = f"nodes/{spec.name}.md"
        yield path, node_page(spec, registry, written.get(path, ""))
    yield "nodes/index.md", nodes_index(registry)
    yield "language/functions.md", functions_page()
    yield "connections.md", connections_page(registry)
    yield "diagnostics/index.md", diagnostics_index()
    for code, text in diagnostics_pages():
        yield f"diagnostics/{code}.md", text


def _nav(registry: Registry) -> Iterator[str]:
    for spec in own_nodes(registry):
        yield f'    {{ "{spec.name}" = "nodes/{spec.name}.md" }},\n'
