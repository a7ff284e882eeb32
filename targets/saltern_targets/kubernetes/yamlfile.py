"""Writes objects as YAML that every parser reads alike: 1.1 as in Python, and the mixture of 1.1 and 1.2 as in Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

import yaml

from saltern_targets.yamlfile import block, require_simple

_PLAIN: Final = re.compile(
    r"(?!(?:y|n|yes|no|on|off|true|false|null)$)[a-z/][a-z0-9./ _:-]*[a-z0-9]|[a-xz]", re.IGNORECASE
)
"""What needs no quotes anywhere. `12e45678`, a digest, is a number in one version, and `y` is true in the other."""
_FIRST: Final = ("apiVersion", "kind", "metadata", "name", "namespace")


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - yaml's signature
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - yaml's signature
        return super().increase_indent(flow, indentless=False)


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if _PLAIN.fullmatch(text) and ": " not in text and text != "N" else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _string)


def render(header: str, documents: Iterable[dict[str, Any]]) -> bytes:
    """Write documents under a comment of one line."""
    trees = list(documents)
    blocks = [block(each, _scalar, _keys) for each in trees]
    simple = [f"---\n{each}" for each in blocks if each is not None]
    text = "".join(simple) if len(simple) == len(trees) else _by_yaml(map(_ordered, trees))
    return f"# {header}\n{text}".encode()


def _by_yaml(documents: Iterable[Any]) -> str:
    written: str = yaml.dump_all(
        documents, Dumper=_Dumper, sort_keys=False, width=1000, explicit_start=True, default_flow_style=False
    )
    return written


@lru_cache(maxsize=2048, typed=True)
def _scalar(value: Any, flow: bool) -> str:  # noqa: ARG001 - nothing here stands on one line
    """Return a scalar as it stands behind a key; raises NotSimpleError."""
    require_simple(value)
    return _by_yaml([[value]]).removeprefix("---\n- ").removesuffix("\n")


def _keys(of: dict[Any, Any]) -> Iterable[Any]:
    """Put first what people look for first; the rest stays in the order of the API's own documentation."""
    first = [key for key in _FIRST if key in of]
    return [*first, *(key for key in of if key not in first)] if first else of


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in _keys(value)}
    if isinstance(value, list):
        return [_ordered(part) for part in value]
    return value
