"""`saltern dead`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from saltern_compiler.cli.common import FINDINGS, fail, plural
from saltern_compiler.cli.service import (
    failed,
    json_line,
    json_option,
    limit_option,
    limited,
    moment,
    on_service,
    reason_option,
    span_options,
    stop,
    table,
    tell,
)

if TYPE_CHECKING:
    from saltern_runtime.client import Batch, Client, DeadLetter, Done, LetterFilter

F = TypeVar("F", bound=Callable[..., Any])
COUNTED: Final = 1000
"""Letters that are counted before a question, at most."""
_DID: Final = {"replay": "replayed", "discard": "discarded"}


@click.group()
def command() -> None:
    """Work through dead letters: what failed for good and nobody has dealt with.

    Exit codes: 0 done, 1 refused or unreachable, 2 misuse.
    """


def _filters(command: F) -> F:
    """Give a command the filters; what is not said takes all."""
    for name, text in (
        ("pipeline", "Of runs of this pipeline, where a service has several."),
        ("kind", "Of this kind of failure: external-transient, external-permanent, internal, poison, timeout."),
        ("code", "With this code of failure: rate-limited, say."),
        ("node", "Of this node."),
    ):
        command = click.option(f"--{name}", metavar=name.upper(), help=text)(command)
    return span_options(command)


@command.command("list")
@_filters
@limit_option
@json_option
@on_service
def list_letters(client: Client[Any, Any], limit: int, *, as_json: bool, **filters: Any) -> None:
    """List dead letters, the newest first. Of each: run, path, when, attempts, failure."""
    from saltern_runtime.client import LetterFilter

    tell(limited(client.dead_letters(LetterFilter(**filters)), limit), _row, as_json=as_json)


def _row(letter: DeadLetter) -> tuple[str, ...]:
    return letter.run, letter.path, moment(letter.at), plural(letter.attempts, "attempt"), _why(letter)


def _why(letter: DeadLetter) -> str:
    return failed(letter.failure) or f"{letter.node} is {letter.state}"


@command.command()
@click.argument("run")
@click.argument("path")
@json_option
@on_service
def show(client: Client[Any, Any], run: str, path: str, *, as_json: bool) -> None:
    """Show a dead letter. Its failure, its attempts, and the input of its run."""
    from saltern_runtime.runtext import plain

    letter, found = _one(client, run, path), client.get(run)
    if as_json:
        click.echo(json_line(letter.to_json() | {"input": found.input}))
        return
    failure = letter.failure
    status = failure.status if failure else None
    told = {
        "run": f"{run}  {letter.run_state}  {letter.pipeline}, begun by {letter.trigger}",
        "path": path,
        "node": letter.node + (f"  at {failure.place}" if failure and failure.place else ""),
        "at": moment(letter.at),
        "attempts": str(letter.attempts),
        "failure": _why(letter) + (f", status {status}" if status is not None else ""),
    }
    for name, text in told.items():
        click.echo(f"{name.ljust(9)} {plain(text)}")
    for frame in failure.trace if failure else ():
        click.echo(f"          {plain(frame)}")
    lines = json.dumps(found.input, indent=2, ensure_ascii=False).splitlines()
    click.echo("\n".join(plain(line) for line in (f"input     {lines[0]}", *lines[1:])))


def _one(client: Client[Any, Any], run: str, path: str) -> DeadLetter:
    letters = client.dead_letters_of(run)
    found = next((letter for letter in letters if letter.path == path), None)
    if found is None:
        there = f"; it has {', '.join(letter.path for letter in letters)}" if letters else ""
        stop(f"{run} has no dead letter {path}: it never had, or somebody dealt with it{there}")
    return found


def _operation(name: str, text: str) -> None:
    @command.command(name, help=text)
    @click.argument("run", required=False)
    @click.argument("path", required=False)
    @_filters
    @click.option("--all", "all_", is_flag=True, help="All that there are.")
    @click.option("--yes", is_flag=True, help="Do not ask.")
    @reason_option
    @on_service
    def operate(
        client: Client[Any, Any], run: str | None, path: str | None, *,
        all_: bool, yes: bool, reason: str, **filters: Any,
    ) -> None:  # fmt: skip
        from saltern_runtime.client import LetterFilter

        given = any(value is not None for value in filters.values())
        if (run is not None) + given + all_ != 1:
            fail(f"which ones to {name}? either RUN, with or without a PATH, or filters such as --code, or --all")
        if run is None:
            _many(client, name, LetterFilter(**filters), reason, yes=yes)
        elif name == "replay":
            _replay(client, run, path, reason)
        else:
            _discard(client, run, path, reason)


_operation(
    "replay",
    "Replay runs of dead letters. They go on from where they failed: one, by RUN, or those of all letters that match.",
)
_operation(
    "discard",
    "Take dead letters away. Nobody needs to look after them: one, by RUN and PATH, all of RUN, or all that match.",
)


def _replay(client: Client[Any, Any], run: str, path: str | None, reason: str) -> None:
    from saltern_runtime.client import ConflictError

    if path is not None:
        _one(client, run, path)
    try:
        click.echo(f"{run}  {client.replay(run, reason).state}")
    except ConflictError as error:
        stop(f"{run}: {error.detail} ({error.code})")


def _discard(client: Client[Any, Any], run: str, path: str | None, reason: str) -> None:
    paths = [path] if path is not None else [letter.path for letter in client.dead_letters_of(run)]
    for each in paths:
        client.discard(run, each, reason)
    click.echo(f"discarded {plural(len(paths), 'dead letter')} of {run}")


def _many(client: Client[Any, Any], name: str, wanted: LetterFilter, reason: str, *, yes: bool) -> None:
    """Replay or discard all that match; what comes later than the question is left alone."""
    counted = list(islice(client.dead_letters(wanted), COUNTED + 1))
    if not counted:
        click.echo("no dead letter matches")
        return
    more = len(counted) > COUNTED
    runs = len({letter.run for letter in counted[:COUNTED]})
    many = f"{'more than ' if more else ''}{plural(min(len(counted), COUNTED), 'dead letter')}"
    if not yes:
        _ask(f"{name.capitalize()} {many} of {plural(runs, 'run')}{' and more' if more else ''}?")
    batches = getattr(client, f"{name}_letters")(replace(wanted, until=counted[0].at), reason)
    refused, did = _work(name, batches, None if more else len(counted))
    click.echo(f"{_DID[name]} {plural(did, 'run' if name == 'replay' else 'dead letter')}")
    if refused:
        click.echo(f"saltern: {plural(len(refused), 'dead letter')} not {_DID[name]}:", err=True)
        for line in table([(each.run, each.path, each.detail or each.verdict) for each in refused]):
            click.echo(f"  {line}", err=True)
        sys.exit(FINDINGS)


def _ask(question: str) -> None:
    if sys.stdin is None or not sys.stdin.isatty():
        fail(f"{question} Nobody is there to answer: --yes says so")
    if not click.confirm(question, err=True):
        click.echo("nothing was done", err=True)
        sys.exit(FINDINGS)


def _work(name: str, batches: Iterator[Batch], total: int | None) -> tuple[list[Done], int]:
    """Go through all batches; returns those that were refused, and how many runs, or letters, were done."""
    done: set[tuple[str, str]] = set()
    refused: list[Done] = []
    with _progress(f"{_DID[name]}", total) as looked_at:
        for batch in batches:
            done |= {_what(name, each) for each in batch.items if each.verdict in ("ok", "done")}
            # A run with several letters goes on with the first of them; the others find it open.
            refused += [each for each in batch.items if _what(name, each) not in done]
            looked_at(len(batch.items))
    return refused, len(done)


def _what(name: str, done: Done) -> tuple[str, str]:
    return done.run, "" if name == "replay" else done.path


@contextmanager
def _progress(label: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show on standard error how far it is: a bar on a terminal, a line for each batch elsewhere."""
    if sys.stderr.isatty() and total is not None:
        with click.progressbar(length=total, label=label, file=sys.stderr) as bar:
            yield bar.update
        return
    so_far = 0

    def tell(count: int) -> None:
        nonlocal so_far
        so_far += count
        click.echo(f"{so_far}{'' if total is None else f' of {total}'} looked at", err=True)

    yield tell
