"""Pipelines of any size in four shapes, as texts of the language.

`nodes` counts all that a plan has, the `return` among them. Sizes are powers of ten, of which each shape is made without a rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

LAYER: Final = 10
"""Nodes of a layer."""
BLOCK: Final = 9
"""Nodes of a block of the nested shape."""


def chain(nodes: int) -> str:
    """Write a chain of HTTP requests, each of which reads the one before: one stage a node."""
    lines = ["pipeline chain", "input { url: string }", "output { status: int }", "on api", ""]
    for index in range(nodes - 1):
        url = "input.url" if index == 0 else f"`{{{{ input.url }}}}/{{{{ step_{index - 1}.status }}}}`"
        lines.append(f"step_{index} = http.request {{ url: {url} }}")
    lines.append(f"return {{ status: step_{nodes - 2}.status }}")
    return "\n".join(lines) + "\n"


def wide(nodes: int) -> str:
    """Write HTTP requests beside each other, and one node that reads them all."""
    lines = ["pipeline wide", "input { url: string }", "output { statuses: list<int> }", "on api", ""]
    for index in range(nodes - 2):
        lines.append(f"step_{index} = http.request {{ url: `{{{{ input.url }}}}/{index}` }}")
    statuses = ", ".join(f"step_{index}.status" for index in range(nodes - 2))
    return "\n".join([*lines, f"all = set {{ value: [{statuses}] }}", "return { statuses: all }"]) + "\n"


def layered(nodes: int) -> str:
    """Write layers of ten, each node of which reads two of the layer before."""
    lines = ["pipeline layered", "input { url: string }", "output { status: int }", "on api", ""]
    for index in range(nodes - 1):
        layer, place = divmod(index, LAYER)
        first, second = (layer - 1) * LAYER + place, (layer - 1) * LAYER + (place + 3) % LAYER
        behind = f"/{{{{ step_{first}.status + step_{second}.status }}}}" if layer else f"/{place}"
        lines.append(f"step_{index} = http.request {{ url: `{{{{ input.url }}}}{behind}` }}")
    lines.append(f"return {{ status: step_{nodes - 2}.status }}")
    return "\n".join(lines) + "\n"


def nested(nodes: int) -> str:
    """Write blocks of nine nodes: a loop, in it a request, a branch, and in the branch requests."""
    lines = ["pipeline nested", "input { urls: list<string> }", "output { count: int }", "on api", ""]
    for block in range((nodes - 1) // BLOCK):
        lines += [
            f"each_{block} = foreach url in input.urls {{",
            f"  first_{block} = http.request {{ url: url }}",
            f"  route_{block} = if first_{block}.status == 200 {{",
            f"    then_{block}_0 = http.request {{ url: `{{{{ url }}}}/0` }}",
        ]
        for step in range(1, 4):
            url = f"`{{{{ url }}}}/{{{{ then_{block}_{step - 1}.status }}}}`"
            lines.append(f"    then_{block}_{step} = http.request {{ url: {url} }}")
        lines += [
            "  } else {",
            f"    else_{block} = http.request {{ url: `{{{{ url }}}}/else` }}",
            "  }",
            f"  yield first_{block}.status",
            "}",
        ]
    sizes = " + ".join(f"size(each_{block})" for block in range(min((nodes - 1) // BLOCK, 5)))
    return "\n".join([*lines, f"return {{ count: {sizes} }}"]) + "\n"


SHAPES: Final[Mapping[str, Callable[[int], str]]] = {
    "chain": chain,
    "wide": wide,
    "layered": layered,
    "nested": nested,
}
