"""Which hosts connections and nodes lead to, as far as that is written out."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from saltern_compiler.ir.pipeline import Connection, Node
from saltern_compiler.ir.values import Literal, Template, Value, split_secrets
from saltern_compiler.registry import Registry
from saltern_runtime.spec import Json, NodeType

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
ANYWHERE = ("*:443", "*:80")
"""Where a URL leads that is made while the pipeline runs."""


def hosts_of_node(node: Node, spec: NodeType) -> Iterator[str]:
    """Yield the `host:port` that a node leads to by itself, without its connection."""
    yield from spec.egress
    for param in spec.params:
        url = node.param(param.name) if param.is_url else None
        target = _of_url(url)
        if target is not None:
            yield target
        elif url is not None and node.connection is None:
            yield from ANYWHERE


def hosts_of_connection(connection: Connection, registry: Registry) -> tuple[str, ...]:
    """Return the `host:port` that a connection leads to."""
    spec = registry.connector(connection.connector)
    if spec is None:
        return ()
    settings: dict[str, Json] = {param.name: param.default for param in spec.settings if param.default is not None}
    written = {name: split_secrets(name, value)[0] for name, value in connection.settings}
    settings |= {name: value for name, value in written.items() if value is not None}
    return spec.egress(settings)


def _of_url(value: Value | None) -> str | None:
    """Read the host of a URL; of a template only where the host ends before the first expression."""
    text = value.value if isinstance(value, Literal) else None
    if isinstance(value, Template) and isinstance(value.parts[0], str):
        start = value.parts[0]
        text = start if start.count("/") > 2 else None
    if not isinstance(text, str):
        return None
    try:
        url = urlsplit(text)
        port = url.port or _PORTS.get(url.scheme)
    except ValueError:
        return None
    return f"{url.hostname}:{port}" if url.hostname and port is not None else None
