"""`demo.greet`: greet somebody. The spec is read by the compiler, the function runs in the worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from saltern_demo.connector import CONNECTOR
from saltern_runtime.connectors.base import connection_of, secret, setting
from saltern_runtime.models import Model
from saltern_runtime.spec import BOOL, INT, STRING, Bound, Effect, NodeType, Param, Problem, obj

if TYPE_CHECKING:
    from saltern_runtime.graph import Context

_LONGEST: Final = 40


def _check(bound: Bound) -> Iterator[Problem]:
    name = bound.literals.get("name")
    if isinstance(name, str) and not name.strip():
        yield Problem("name", "the greeting is for nobody", ("Name somebody.",), code="demo-nobody")
    elif isinstance(name, str) and len(name) > _LONGEST:
        yield Problem("name", f"the name is longer than {_LONGEST} characters", code="demo-breathless")
    elif isinstance(name, str) and name.isupper():
        yield Problem("name", "the name is in capitals", ("Give `loud: true` instead.",), code="demo-capitals")


NODE: Final = NodeType(
    name="demo.greet",
    summary="Greets somebody.",
    params=(
        Param("name", STRING, doc="Whom."),
        Param("loud", BOOL, required=False, default=False, doc="In capitals."),
    ),
    result=obj({"text": STRING, "letters": INT}),
    result_model="saltern_demo.greet:Greeting",
    effect=Effect.IDEMPOTENT,
    connector="demo",
    call="saltern_demo.greet:greet",
    requires=("voice",),
    check=_check,
)


class Greeting(Model):
    """What was said."""

    text: str
    letters: int


def greet(ctx: Context, *, name: str, loud: bool = False) -> Greeting:
    """Greet somebody."""
    import httpx  # noqa: F401 - stands for a vendor's SDK: reading the spec needs none

    connection = connection_of(ctx, CONNECTOR)
    text = f"{setting(connection, CONNECTOR, 'salutation')}, {name}! {secret(connection, 'signature')}"
    return Greeting(text=text.upper() if loud else text, letters=len(name))
