"""`demo.tell` in three versions, with the steps from one to the next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from saltern_runtime.models import Model
from saltern_runtime.spec import (
    BOOL,
    INT,
    STRING,
    Bound,
    ByHand,
    Change,
    Drop,
    Effect,
    NodeType,
    Param,
    Put,
    Rename,
    Step,
    obj,
)

if TYPE_CHECKING:
    from saltern_runtime.graph import Context


def _to_two(bound: Bound) -> Iterator[Change]:
    if "text" in bound.types:
        yield Rename("text", "message")
    if "loud" not in bound.types:
        return
    if "loud" not in bound.literals:
        yield ByHand('Write `tone`, which is "loud" where `loud` is true and "plain" where it is not.', "loud")
        return
    yield Drop("loud")
    if bound.literals["loud"]:
        yield Put("tone", "loud")


def _to_three(bound: Bound) -> Iterator[Change]:
    yield Put("times", 1)
    if "channel" in bound.types:
        yield Drop("channel")


STEPS: Final = (
    Step(1, "`text` is `message`, and `loud` a `tone`.", _to_two),
    Step(2, "`times` is required; `channel`, which did nothing, is gone.", _to_three),
)


def _version(version: int, *params: Param, deprecated: str = "", steps: tuple[Step, ...] = ()) -> NodeType:
    return NodeType(
        name="demo.tell",
        summary="Says something.",
        version=version,
        deprecated=deprecated,
        params=params,
        result=obj({"said": STRING, "letters": INT}),
        result_model="saltern_demo.tell:Told",
        effect=Effect.IDEMPOTENT,
        call="saltern_demo.tell:tell",
        steps=steps,
    )


_TONE: Final = Param("tone", STRING, required=False, default="plain")
_CHANNEL: Final = Param("channel", STRING, required=False, default="")
FIRST: Final = _version(
    1,
    Param("text", STRING),
    Param("loud", BOOL, required=False, default=False),
    _CHANNEL,
    deprecated="It knows two tones.",
)
SECOND: Final = _version(
    2, Param("message", STRING), _TONE, _CHANNEL, deprecated="It has a parameter that does nothing."
)
THIRD: Final = _version(3, Param("message", STRING), _TONE, Param("times", INT), steps=STEPS)
"""The newest version has the steps of all: the older ones may be gone some day."""


class Told(Model):
    """What was said."""

    said: str
    letters: int


def tell(ctx: Context, *, message: str, tone: str = "plain", times: int = 1) -> Told:
    """Say something."""
    said = " ".join([message.upper() if tone == "loud" else message] * times)
    return Told(said=said, letters=len(said))
