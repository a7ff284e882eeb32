"""`saltern schedules`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import click

from saltern_compiler.cli.service import each_run, json_option, moment, on_service, reason_option, tell

if TYPE_CHECKING:
    from saltern_runtime.client import Client, Schedule

_SCHEDULES: Final = click.argument("schedules", nargs=-1, required=True, metavar="SCHEDULE...")


@click.group()
def command() -> None:
    """Look at the schedules of a service, pause them and let them go on: any service, by its URL.

    Exit codes: 0 done, 1 refused or unreachable, 2 misuse.
    """


@command.command("list")
@json_option
@on_service
def list_schedules(client: Client[Any, Any], *, as_json: bool) -> None:
    """List schedules. Of each: id, when it fires, when it makes a run next, or who paused it and why."""
    tell(client.schedules(), _row, as_json=as_json)


def _row(of: Schedule) -> tuple[str, ...]:
    return of.id, f"{of.cron} {of.time_zone}", _stands(of)


def _stands(of: Schedule) -> str:
    if of.paused is not None:
        why = f": {of.paused.why}" if of.paused.why else ""
        return f"paused {moment(of.paused.at)} by {of.paused.by}{why}"
    return "never again" if of.next is None else f"next {moment(of.next)}"


def _operation(name: str, text: str) -> None:
    @command.command(name, help=text)
    @_SCHEDULES
    @reason_option
    @on_service
    def operate(client: Client[Any, Any], schedules: tuple[str, ...], reason: str) -> None:
        do: Callable[[str, str], Schedule] = getattr(client, f"{name}_schedule")
        each_run(dict.fromkeys(schedules), lambda each: click.echo(f"{each}  {_stands(do(each, reason))}"))


_operation("pause", "Pause schedules. They make no runs until they are resumed, and what passes is not made up for; runs that are there go on.")  # fmt: skip
_operation("resume", "Let schedules go on from now.")


@command.command()
@click.argument("schedule")
@json_option
@on_service
def audit(client: Client[Any, Any], schedule: str, *, as_json: bool) -> None:
    """Show what people did to a schedule: when, what, who, why."""
    entries = client.schedule_audit(schedule)
    tell(entries, lambda entry: (moment(entry.at), entry.what, entry.by, entry.why), as_json=as_json)
