"""`saltern explain`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from saltern_compiler.cli.common import compile_clean, fail, load, optimize_option
from saltern_compiler.registry import Registry

if TYPE_CHECKING:
    from saltern_compiler.driver.stepwise import UnknownPassError
    from saltern_compiler.ir.plan import Decision, Plan, Stage


@click.command()
@click.argument("subject", metavar="PIPELINE|CODE")
@optimize_option
@click.option(
    "--passes", is_flag=True, help="Show what each optimization did, and the plan before and after it in figures."
)
@click.option("--print-after", "after", metavar="PASS", help="Print the pipeline as it is after a pass.")
@click.option(
    "--format", "style", type=click.Choice(["text", "json"]), default="text", help="Of --passes; text by default."
)
@click.option("--flow", is_flag=True, help="Show where what is personal or secret goes, and what is declassified.")
def command(subject: str, *, optimize: int, passes: bool, after: str | None, style: str, flow: bool) -> None:
    """Explain a pipeline's plan, or a diagnostic code.

    For a PIPELINE: its stages, and each decision with its reason. For a CODE such as unknown-name: its page.
    """
    if style == "json" and not passes:
        fail("--format json is for --passes")
    if re.fullmatch(r"[a-z][a-z0-9-]*", subject):
        if passes or after is not None:
            fail(f"--passes and --print-after are for a pipeline's file; {subject} is no pipeline, but a code")
        page = _page(subject)
        if page is None:
            fail(f"there is no diagnostic `{subject}`{_near(subject)}")
        click.echo(page)
        return
    if flow and (passes or after is not None):
        fail("--flow is shown alone; leave --passes and --print-after out")
    if passes or after is not None:
        compile_clean(subject, targets=(), optimize=optimize)
        _print_passes(subject, optimize, passes=passes, after=after, style=style)
        return
    plan = compile_clean(subject, targets=(), optimize=optimize).plan
    assert plan is not None, "a clean compilation has a plan"
    click.echo("\n".join(_flow(plan) if flow else _lines(plan)))


def _flow(plan: Plan) -> Iterator[str]:
    """Yield the receipt of a pipeline's labels, and what pipelines that it calls declassify by themselves."""
    yield f"pipeline {plan.pipeline.name}"
    before = ("", "")
    for each in plan.deliveries:
        if (each.label, each.to) != before:
            before = (each.label, each.to)
            yield from ("", f"{each.label} to {each.to}")
        yield f"  {' → '.join(each.way)}"
    if not plan.deliveries:
        yield from ("", "nothing labelled leaves it")
    for of in (plan, *(part.plan for part in plan.parts)):
        where = "" if of is plan else f" in {of.source_name}"
        for declassified in of.declassified:
            at = of.places.get(declassified.node, "")
            yield from ("", f"declassified in `{declassified.param}` of `{declassified.node}`{where} at {at}")
            yield f"  because: {declassified.because}"
            yield from (f"  {label} of `{name}`" for label, name in declassified.sources)


def _print_passes(subject: str, optimize: int, *, passes: bool, after: str | None, style: str) -> None:
    from saltern_compiler.cli.receipts import as_json, as_text
    from saltern_compiler.driver.stepwise import UnknownPassError, print_after, receipts_of

    source = load(subject)
    if after is not None:
        try:
            click.echo(print_after(source, after, optimize), nl=False)
        except UnknownPassError as error:
            fail(f"{error}{_meant(error)}")
    if passes:
        write = as_json if style == "json" else as_text
        click.echo(write(receipts_of(source, optimize)), nl=False)


def _meant(error: UnknownPassError) -> str:
    from saltern_compiler.diagnostics.suggest import did_you_mean, nearest, there_are  # only on a mistake

    notes = did_you_mean(nearest(error.name, error.known)) or there_are(error.known) if error.known else ()
    return "".join(f". {note}" for note in notes)


def _page(code: str) -> str | None:
    text = Registry.load().page(code)
    return text.rstrip("\n") if text is not None else None


def _near(code: str) -> str:
    from saltern_compiler.diagnostics.suggest import did_you_mean, nearest  # only on a mistake

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
    """Yield the stages, and before them what is decided for all of them alike."""
    told = [stage.decisions for stage in plan.stages if stage.nodes]
    alike = [each for each in told[0] if all(each in other for other in told[1:])] if len(told) > 1 else []
    if alike:
        yield ""
        yield "every stage"
        yield from _table(alike)
    for stage in plan.stages:
        yield ""
        yield f"stage {stage.name}{_after(stage)}"
        if not stage.nodes:
            yield "  nodes: none"
        yield from _table(each for each in stage.decisions if each not in alike)
    yield from _elided(plan)


def _elided(plan: Plan) -> Iterator[str]:
    from saltern_compiler.ir.plan import Decision

    if plan.elided:
        yield ""
        yield "not run"
        yield from _table(Decision(each.node, each.by, each.because) for each in plan.elided)


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
