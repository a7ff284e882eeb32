"""`saltern explain`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from saltern_compiler.cli.common import compile_clean, fail, optimize_option
from saltern_compiler.registry import Registry

if TYPE_CHECKING:
    from saltern_compiler.ir.plan import Decision, Plan, Stage


@click.command()
@click.argument("subject", metavar="PIPELINE|CODE")
@optimize_option
def command(subject: str, *, optimize: int) -> None:
    """Explain a pipeline's plan, or a diagnostic code.

    For a PIPELINE: its stages, and each decision with its reason. For a CODE such as unknown-name: its page.
    """
    if re.fullmatch(r"[a-z][a-z0-9-]*", subject):
        page = _page(subject)
        if page is None:
            fail(f"there is no diagnostic `{subject}`{_near(subject)}")
        click.echo(page)
        return
    plan = compile_clean(subject, targets=(), optimize=optimize).plan
    assert plan is not None, "a clean compilation has a plan"
    click.echo("\n".join(_lines(plan)))


def _page(code: str) -> str | None:
    text = Registry.load().page(code)
    return text.rstrip("\n") if text is not None else None


def _near(code: str) -> str:
    from saltern_compiler.diagnostics.suggest import did_you_mean, nearest  # noqa: PLC0415 - only on a mistake

    return "".join(f". {note}" for note in did_you_mean(nearest(code, Registry.load().codes())))


def _lines(plan: Plan) -> Iterator[str]:
    yield f"pipeline {plan.pipeline.name}"
    yield f"  plan {plan.digest}"
    yield from _table(plan.decisions)
    yield from _stages(plan)
    for part in plan.parts:
        yield ""
        yield f"pipeline {part.plan.pipeline.name}, as it is called: {part.plan.source_name}"
        yield from _stages(part.plan)


def _stages(plan: Plan) -> Iterator[str]:
    for stage in plan.stages:
        yield ""
        yield f"stage {stage.name}{_after(stage)}"
        if len(stage.nodes) != 1:
            yield f"  nodes: {', '.join(stage.nodes) or 'none'}"
        yield from _table(stage.decisions)


def _after(stage: Stage) -> str:
    if stage.when:
        how = " or " if stage.join == "any" else " and "
        return ", when " + how.join(f"{edge.source} takes {edge.handle}" for edge in stage.when)
    start = f", for each item of {stage.owner}" if stage.owner else ", at the start"
    return f", after {', '.join(stage.needs)}" if stage.needs else start


def _table(decisions: Iterable[Decision]) -> Iterator[str]:
    rows = [(decision.what, decision.value, decision.because) for decision in decisions]
    first = max((len(what) for what, _, _ in rows), default=0)
    second = min(max((len(value) for _, value, _ in rows), default=0), 60)
    for what, value, because in rows:
        yield f"  {what:<{first}}  {value:<{second}}  {because}"
