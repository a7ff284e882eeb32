"""Which environment variables a generated tree needs for its secrets; read out of its text, without importing it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from saltern_runtime.dev.tree import Tree

_PREFIX = "env:"


def missing(tree: Tree, environ: Mapping[str, str]) -> Mapping[str, tuple[str, ...]]:
    """Return variable → what needs it, for those that are not set or empty; both sorted."""
    users_of: dict[str, set[str]] = {}
    for module in ("graph", "api"):
        for reference, user in _references(tree, module):
            name = reference.removeprefix(_PREFIX)
            if reference.startswith(_PREFIX) and not environ.get(name):
                users_of.setdefault(name, set()).add(user)
    return {name: tuple(sorted(users)) for name, users in sorted(users_of.items())}


def _references(tree: Tree, module: str) -> Iterator[tuple[str, str]]:
    """Yield the references of `Connection("name", secrets={…})` and of `@router.webhook("/path", secret=…)`."""
    if not tree.has(module):
        return
    try:
        parsed = ast.parse((tree.folder / tree.package / f"{module}.py").read_bytes())
    except (SyntaxError, ValueError):
        return
    for call in (part for part in ast.walk(parsed) if isinstance(part, ast.Call) and part.args):
        owner = _text(call.args[0])
        for keyword in call.keywords:
            if keyword.arg == "secret":
                yield _text(keyword.value), f"webhook {owner}"
            elif keyword.arg == "secrets" and isinstance(keyword.value, ast.Dict):
                for value in keyword.value.values:
                    yield _text(value), f"connection {owner}"


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
