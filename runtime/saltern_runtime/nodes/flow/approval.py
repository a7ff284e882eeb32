"""`approval`: a person decides before the run goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from saltern_runtime.spec import (
    DURATION,
    STRING,
    AwaitsSpec,
    Bound,
    ListType,
    NodeType,
    Param,
    Problem,
    Type,
    decision_type,
)

if TYPE_CHECKING:
    from datetime import timedelta

    from saltern_runtime.graph import Ask, Context

_CHOICES: Final = Param(
    "choices",
    ListType(STRING),
    required=False,
    default=["approve", "reject"],
    static=True,
    template=False,
    passed=False,
    doc="What may be decided.",
)
_DEFAULT: Final = Param(
    "default",
    STRING,
    required=False,
    static=True,
    template=False,
    passed=False,
    doc="What is decided where nobody does before the deadline; it need not be one of the choices.",
)


def _choices(bound: Bound) -> list[str]:
    given = bound.literals.get("choices", _CHOICES.default)
    return [choice for choice in given if isinstance(choice, str)] if isinstance(given, list) else []


def _check(bound: Bound) -> Iterator[Problem]:
    choices = _choices(bound)
    if len(choices) < 2 or not all(choice.strip() for choice in choices) or len(set(choices)) != len(choices):
        yield Problem("choices", "a decision is between two or more different choices", ("Each of them has a text.",))
    if ("deadline" in bound.types) != ("default" in bound.types):
        lacks = "default" if "deadline" in bound.types else "deadline"
        notes = (
            "Say what is decided where nobody does (`default`), and after how long (`deadline`); or neither: the run waits as long as it may.",
        )
        yield Problem(lacks, f"the approval has no `{lacks}`", notes, "approval-without-default")
    if "to" in bound.types and not bound.connected:
        notes = ("Name one behind the type: `approval(team_slack) { … }`.",)
        yield Problem("to", "the message goes through a connection, which is missing", notes, "missing-connection")
    if bound.connected and "to" not in bound.types:
        yield Problem(
            "to", "the connection is there for a message, but `to` does not say to whom", (), "missing-parameter"
        )


def _result(bound: Bound) -> Type:
    default = bound.literals.get("default")
    given = [*_choices(bound), *([default] if isinstance(default, str) else [])]
    return decision_type(dict.fromkeys(given), bound.types.get("fields"))


NODE: Final = NodeType(
    name="approval",
    summary="Asks a person, and waits for the decision; no worker is busy meanwhile.",
    params=(
        Param("ask", STRING, shown=True, doc="What is asked, in plain words."),
        _CHOICES,
        Param("fields", is_type=True, required=False, passed=False, doc="What may be filled in with the decision."),
        Param(
            "to",
            STRING,
            required=False,
            doc="Whom a message with the link goes to, through the connection: a Slack channel.",
        ),
        Param("deadline", DURATION, required=False, doc="How long the decision may take."),
        _DEFAULT,
    ),
    result=_result,
    awaits=AwaitsSpec(choices=_CHOICES, default=_DEFAULT),
    connector="slack",
    connection_required=False,
    call="saltern_runtime.nodes.flow:approval",
    queue="io",
    check=_check,
)


def approval(ctx: Context, *, ask: str, to: str | None = None, deadline: timedelta | None = None) -> Ask:
    """Ask; with `to`, tell someone where to decide. Raises what `slack.post_message` raises."""
    from saltern_runtime.graph import Ask  # noqa: PLC0415 - reading the spec needs no pydantic

    if to is not None:
        from saltern_runtime.nodes.slack import post_message  # noqa: PLC0415 - few of them tell somebody in Slack

        text = ask.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        post_message(ctx, channel=to, text=f"{text}\n<{ctx.run.callback(ctx.node)}|Decide>")
    return Ask(ask, deadline)
