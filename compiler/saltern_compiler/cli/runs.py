"""`saltern runs`."""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import click

from saltern_compiler.cli.common import FINDINGS, wants_color
from saltern_compiler.cli.service import (
    each_run,
    failed,
    input_option,
    json_line,
    json_option,
    limit_option,
    limited,
    moment,
    on_service,
    reason_option,
    run_ids,
    span_options,
    stop,
    tell,
)

if TYPE_CHECKING:
    from saltern_runtime.client import AuditEntry, Client, Event, RunSummary

_RUNS: Final = click.argument("runs", nargs=-1, metavar="RUN...")
STATES: Final = (
    "QUEUED", "RUNNING", "WAITING", "PAUSED", "CANCELLING", "COMPENSATING", "SUCCEEDED", "FAILED", "CANCELLED", "TIMED_OUT",
)  # fmt: skip
TRIGGERS: Final = ("api", "again", "start", "schedule", "webhook")
"""What begins runs of a generated service; whoever starts them in code of their own may call it otherwise."""


@click.group()
def command() -> None:
    """Look at the runs of a service, and operate them: any service, by its URL.

    Exit codes: 0 done, 1 refused or unreachable, 2 misuse.
    """


@command.command()
@input_option("The input; - for standard input.", required=True)
@click.option(
    "--key",
    metavar="KEY",
    help="An idempotency key: the same one with the same input leads to the run that it made first.",
)
@click.option(
    "--wait", is_flag=True, help="Wait until the run is over, and print its output; exit code 1 unless it succeeds."
)
@on_service
def start(client: Client[Any, Any], input_: tuple[Any], key: str | None, *, wait: bool) -> None:
    """Start a run. Prints its id, with --wait its output as JSON."""
    try:
        started = client.start(input_[0], idempotency_key=key)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--key'") from error
    if started.created is False:
        click.echo("saltern: the key is known: this is the run that it made", err=True)
    if not wait:
        click.echo(started.id)
        return
    click.echo(f"saltern: run {started.id}", err=True)
    run = client.wait(started.id, math.inf)
    if run.state != "SUCCEEDED":
        stop(f"{run.id}: {run.state}: {failed(run.failure)}")
    click.echo(json.dumps(run.output))


@command.command("list")
@click.option(
    "--state",
    multiple=True,
    type=click.Choice(STATES, case_sensitive=False),
    metavar="STATE",
    help=f"Runs in this state, or in one of several: {', '.join(STATES)}.",
)
@click.option(
    "--trigger", metavar="TRIGGER", help="What began them: api, again, start, schedule, webhook, webhook:/tickets."
)
@span_options
@limit_option
@json_option
@on_service
def list_runs(
    client: Client[Any, Any], state: tuple[str, ...], trigger: str | None, since: datetime | None, until: datetime | None, *,
    limit: int, as_json: bool,
) -> None:  # fmt: skip
    """List runs, the newest first. Of each: id, state, when it was created, what began it, why it failed."""
    from saltern_runtime.client import RunFilter

    found = limited(client.list(RunFilter(state, trigger, since, until)), limit)
    if trigger and not found and trigger.partition(":")[0] not in TRIGGERS:
        click.echo(f"saltern: no run was begun by {trigger!r}; what begins them: {', '.join(TRIGGERS)}", err=True)
    tell(found, _row, as_json=as_json)


def _row(run: RunSummary) -> tuple[str, ...]:
    begun = f"{run.trigger} {run.pipeline}" if run.parent else run.trigger
    return run.id, run.state, moment(run.created_at), begun, failed(run.failure)


@command.command()
@_RUNS
@json_option
@on_service
def show(client: Client[Any, Any], runs: tuple[str, ...], *, as_json: bool) -> None:
    """Show runs node by node. Of each: states, attempts, times, failures, and what waits for an answer."""
    from saltern_runtime.runtext import lines, plain

    color = wants_color(sys.stdout)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None

    def shown(run_id: str) -> None:
        run = client.get(run_id)
        if as_json:
            click.echo(json_line(run.to_json()))
            return
        for line in lines(run.to_json(), width, color=color):
            click.echo(line, color=color)
        for awaited in run.awaits:
            choices = f" ({' | '.join(awaited.choices)})" if awaited.choices else ""
            click.echo(plain(f"  waits at {awaited.path}: {awaited.text}{choices}"))

    each_run(run_ids(runs), shown)


@command.command()
@click.argument("run")
@click.option("--after", metavar="EVENT", help="Go on behind this event's id.")
@json_option
@on_service
def follow(client: Client[Any, Any], run: str, after: str | None, *, as_json: bool) -> None:
    """Show what happens in a run. It is shown as it happens, until the run is over; exit code 1 unless it succeeds."""
    try:
        for event in client.follow(run, after):
            click.echo(json_line(event.to_json()) if as_json else _happened(event))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--after'") from error
    if client.get(run).state != "SUCCEEDED":
        sys.exit(FINDINGS)


def _happened(event: Event) -> str:
    from saltern_runtime.runtext import plain, why

    data = event.data if isinstance(event.data, dict) else {}
    failure = data.get("failure", data if "kind" in data else None)
    attempt = f"attempt {data['attempt']}" if data.get("attempt", 1) > 1 else ""
    told = (event.time.strftime("%H:%M:%S.%f")[:-3], event.type, event.path or "", attempt, why(failure))
    return "  ".join(plain(text) for text in told if text)


def _about(entry: AuditEntry) -> str:
    """Say where it was done, or which other run it has to do with, if any, and why it was done."""
    version = entry.plan and entry.plan.removeprefix("sha256:")[:8]
    named = {"from": entry.node, "as": entry.run, "of": entry.of, "to": version}
    other = next((f"{word} {name}" for word, name in named.items() if name), "")
    return f"{other}: {entry.why}" if other and entry.why else other or entry.why


def _operation(name: str, text: str) -> None:
    @command.command(name, help=text)
    @_RUNS
    @reason_option
    @on_service
    def operate(client: Client[Any, Any], runs: tuple[str, ...], reason: str) -> None:
        do: Callable[[str, str], RunSummary] = getattr(client, name)
        each_run(run_ids(runs), lambda run: click.echo(f"{run}  {do(run, reason).state}"))


_operation("cancel", "End runs early. What runs now is recorded, nothing more begins, and what the pipeline can take back is taken back.")  # fmt: skip
_operation(
    "pause", "Pause runs. What runs now is recorded, nothing more begins until they are resumed; deadlines run on."
)
_operation("resume", "Let runs go on that were paused.")
_operation("replay", "Replay runs. Those that failed, or reached their deadline, go on from where that cut them off; what had succeeded is not done again.")  # fmt: skip


@command.command()
@_RUNS
@click.option("--from", "node", required=True, metavar="NODE", help="Where they begin anew: the id of a node.")
@reason_option
@on_service
def rerun(client: Client[Any, Any], runs: tuple[str, ...], node: str, reason: str) -> None:
    """Run a part of runs again. Those that are over begin anew at a node, and at all that comes behind it; what that needs is taken from before."""
    each_run(run_ids(runs), lambda run: click.echo(f"{run}  {client.rerun(run, node, reason).state}"))


@command.command()
@_RUNS
@input_option("What the new runs are given; - for standard input. Without it, what the old ones were given.")
@reason_option
@on_service
def again(client: Client[Any, Any], runs: tuple[str, ...], input_: tuple[Any] | None, reason: str) -> None:
    """Start runs again: new ones, with the same input or a changed one. Of each: the old run, the new one."""
    given: dict[str, Any] = {"reason": reason}
    if input_ is not None:
        (given["input"],) = input_
    each_run(run_ids(runs), lambda run: click.echo(f"{run}  {client.again(run, **given).id}"))


@command.command()
@click.argument("run")
@json_option
@on_service
def audit(client: Client[Any, Any], run: str, *, as_json: bool) -> None:
    """Show what people did to a run: when, what, who, why."""
    tell(client.audit(run), lambda entry: (moment(entry.at), entry.what, entry.by, _about(entry)), as_json=as_json)
