"""`saltern drained`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from saltern_compiler.cli.common import plural
from saltern_compiler.cli.service import json_line, json_option, moment, on_service, stop, table

if TYPE_CHECKING:
    from saltern_runtime.client import Client, Version, Versions

_PAUSE: Final = 2.0
_FEWEST: Final = 4
"""Digits of a digest that name a version, at least."""


@click.command()
@click.argument("digest", required=False)
@click.option("--wait", is_flag=True, help="Wait until they have none; what changes goes to standard error.")
@click.option("--timeout", type=click.FloatRange(0), default=600.0, metavar="SECONDS", help="Wait no longer than this; 600 by default.")  # fmt: skip
@json_option
@on_service
def command(client: Client[Any, Any], digest: str | None, timeout: float, *, wait: bool, as_json: bool) -> None:
    """Show which versions have open runs, and whether old workers may go.

    Without DIGEST, every version but the current one must have no open run; with it, that version alone. Of each: open runs of all
    tenants, their states, the oldest one's age, and when a worker of it was last seen.

    Exit codes: 0 none is open, 1 there are some, or it cannot be told, 2 misuse.
    """
    from saltern_runtime.runtext import plain

    until = time.monotonic() + timeout
    told = ""
    while True:
        found = client.versions()
        why = _undrained(found, digest)
        if not wait or not why or time.monotonic() >= until:
            break
        if why != told:
            click.echo(plain(why), err=True)
            told = why
        # Nothing calls back from a service: it is asked again.
        time.sleep(min(_PAUSE, max(0.0, until - time.monotonic())))
    if as_json:
        click.echo(json_line(found.to_json()))
    else:
        for line in table([_row(each) for each in found.versions]):
            click.echo(line)
    if why:
        stop(why)


def _undrained(found: Versions, digest: str | None) -> str:
    """Say which versions have open runs, of those that are asked for; empty where none has."""
    asked = _asked(found, digest)
    if not found.counted:
        return "it is not known yet what is open: timers count it in their first sweep, and none has been made"
    left = [version for version in asked if version.open]
    return ", ".join(f"{version.version} has {plural(version.open, 'open run')}" for version in left)


def _asked(found: Versions, digest: str | None) -> Sequence[Version]:
    if digest is None:
        return [version for version in found.versions if not version.current]
    start = digest.removeprefix("sha256:").lower()
    plans = {version.plan for version in found.versions} | set(found.gone)
    named = (
        {plan for plan in plans if plan.removeprefix("sha256:").startswith(start)} if len(start) >= _FEWEST else set()
    )
    if len(named) != 1:
        what = f"{len(named)} versions here begin with it" if named else "no version of that digest was ever seen here"
        stop(f"{digest}: {what}")
    return [version for version in found.versions if version.plan in named]


def _row(version: Version) -> tuple[str, ...]:
    states = ", ".join(f"{count} {state}" for state, count in version.states.items())
    age = f"the oldest of {moment(version.oldest_at)}" if version.oldest_at is not None else ""
    open_ = ", ".join(filter(None, (states, age)))
    return (
        version.version,
        "current" if version.current else "",
        plural(version.open, "open run") + (f": {open_}" if open_ else ""),
        _workers(version),
    )


def _workers(version: Version) -> str:
    if version.served and version.stranded:
        return f"workers, but none for {plural(version.stranded, 'activation')} that wait"
    if version.served:
        return "workers"
    return "no worker was ever seen" if version.seen_at is None else f"no worker since {moment(version.seen_at)}"
