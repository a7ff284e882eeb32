"""A node type of three versions, two of them deprecated."""

from __future__ import annotations

from typing import Final

from saltern_runtime.spec import STRING, Effect, NodeType, Param

_NAME: Final = Param("name", STRING)


def _greeting(version: int, *params: Param, deprecated: str = "") -> NodeType:
    return NodeType(
        name="test.greet",
        summary="Greets.",
        version=version,
        params=(_NAME, *params),
        result=STRING,
        effect=Effect.PURE,
        call="tests.support.versions:greet",
        deprecated=deprecated,
    )


GREETINGS: Final = (
    _greeting(1, Param("loud", STRING, required=False), deprecated="It greets nobody outside of ASCII."),
    _greeting(2, Param("tone", STRING, required=False), deprecated="It shouts."),
    _greeting(3, Param("tone", STRING, required=False)),
)
