"""What the commands share that talk to a service: which one, as whom, and what is said where it refuses."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import click

from saltern_compiler.cli.common import FINDINGS, fail

if TYPE_CHECKING:
    from saltern_runtime.client import Client, Failure
    from saltern_runtime.client.results import Shown

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
ShownT = TypeVar("ShownT", bound="Shown")
CREDENTIAL: Final = "SALTERN_TOKEN"
"""The variable that holds the token."""
_HOW: Final = f"set {CREDENTIAL}, or name a file with --token-file"


def on_service(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--url` and `--token-file`, and hand it the client of the service as `client`; what fails there is exit code 1."""

    @which_service
    @wraps(command)
    def connected(url: str | None, token_file: str | None, **given: Any) -> None:
        _require_text(given)
        with connect(url, token_file) as client:
            command(client=client, **given)

    return connected


def which_service(command: F) -> F:
    """Give a command `--url` and `--token-file`."""
    command = click.option(
        "--token-file",
        metavar="FILE",
        help=f"A file that holds the token; {CREDENTIAL} otherwise. Never an argument: others see those.",
    )(command)
    where = "Where the service is; SALTERN_URL otherwise."
    return click.option("--url", envvar="SALTERN_URL", metavar="URL", help=where)(command)


@contextmanager
def connect(url: str | None, token_file: str | None) -> Iterator[Client[Any, Any]]:
    """Open a client of a service; what the service refuses within is exit code 1."""
    from saltern_runtime.client import Client, ClientError, RefusedTokenError

    if not url:
        fail("which service? name it with --url, or set SALTERN_URL")
    token = _token(token_file)
    try:
        opened = Client(url, token)
    except ValueError as error:
        fail(str(error))
    except (OSError, ImportError) as error:  # SSL_CERT_FILE names no file, or a proxy needs what is not installed
        fail(f"nothing can be sent from here: {error}")
    try:
        with opened as client:
            yield client
    except RefusedTokenError as error:
        stop(f"{url} refuses the token: {error.detail} ({error.code})")
    except ClientError as error:
        stop(str(error) if url in str(error) else f"{url}: {error}")


def input_option(text: str, **how: Any) -> Callable[[F], F]:
    """Give a command `--input`, as `input_`: a file, - for standard input, or JSON itself where that is an object. One value in a tuple, since null is one."""
    return click.option("--input", "input_", callback=_json, metavar="FILE|JSON", help=text, **how)


def _json(context: click.Context, param: click.Parameter, value: str | None) -> tuple[Any] | None:
    import json  # only with --input

    if value is None:
        return None
    text: str | bytes = value
    if not value.lstrip().startswith("{"):
        with click.File("rb").convert(value, param, context) as file:
            text = file.read()
    try:
        return (json.loads(text),)
    except ValueError as error:
        raise click.BadParameter(f"no JSON: {error}", context, param) from error


def reason_option(command: F) -> F:
    """Give a command `--reason`, which the audit keeps."""
    return click.option("--reason", default="", metavar="TEXT", help="Why: the run's audit keeps it.")(command)


def json_option(command: F) -> F:
    """Give a command `--json`, as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")(command)


def limit_option(command: F) -> F:
    """Give a command `--limit`."""
    many = click.IntRange(1)
    return click.option("--limit", type=many, default=20, show_default=True, help="So many at most.")(command)


def span_options(command: F) -> F:
    """Give a command `--since` and `--until`."""
    until = click.option("--until", callback=_moment, metavar="WHEN", help="Then or earlier.")
    since = click.option(
        "--since",
        callback=_moment,
        metavar="WHEN",
        help="Then or later: 2h for two hours ago, or 2026-01-31T12:00:00Z.",
    )
    return since(until(command))


def _moment(context: click.Context, param: click.Parameter, value: str | None) -> datetime | None:
    """Read a moment: so long ago, or as RFC 3339 writes it."""
    from saltern_compiler.frontend.durations import seconds

    if value is None:
        return None
    ago = seconds(value)
    if ago is not None:
        return datetime.now(UTC) - timedelta(seconds=ago)
    why = f"{value!r} is neither a duration, such as 2h30m, nor a moment, such as 2026-01-31T12:00:00Z"
    try:
        found = datetime.fromisoformat(value)
    except ValueError as error:
        raise click.BadParameter(why, context, param) from error
    if found.tzinfo is None:
        zone = f"{value!r} does not say in which time zone it is; Z behind it says UTC: 2026-01-31T12:00:00Z"
        raise click.BadParameter(zone, context, param)
    return found


def stop(message: str) -> NoReturn:
    """Stop because the service did not do what was asked; in its words, which move no cursor."""
    from saltern_runtime.runtext import plain

    for at, line in enumerate(message.splitlines() or [""]):
        click.echo(plain(line if at else f"saltern: {line}"), err=True)
    sys.exit(FINDINGS)


def _require_text(given: Mapping[str, Any]) -> None:
    """Refuse arguments whose bytes are no UTF-8: Python hands them on as halves of characters, which nothing can send."""
    for name, value in given.items():
        if isinstance(value, str) and not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
            fail(f"what is given as {name} is no text: it is not UTF-8")


def _token(path: str | None) -> str:
    if path is None:
        token = os.environ.get(CREDENTIAL, "").strip()
        return token or fail(f"no token: {_HOW}")
    try:
        token = Path(path).read_text("ascii").strip()
    except UnicodeDecodeError:
        fail(f"{path}: no token stands there: it would be one line of ASCII")
    except OSError as error:
        fail(f"{path}: {error.strerror or error}")
    return token or fail(f"{path}: the file is empty, and was to hold the token")


def run_ids(given: Sequence[str]) -> list[str]:
    """Return the runs that are meant, each once; `-` stands for the first word of each line of standard input."""
    found: dict[str, None] = {}
    for each in given:
        lines = (sys.stdin or ()) if each == "-" else (each,)  # None: it is closed
        found |= {words[0]: None for line in lines if (words := line.split())}
    if not found:
        fail("which run? name one, or several, or - for those on standard input")
    return list(found)


def each_run(runs: Iterable[str], do: Callable[[str], object]) -> None:
    """Do something to one run after the other. One that is refused stops none of the others; exit code 1 then."""
    from saltern_runtime.client import ProblemError, RefusedTokenError
    from saltern_runtime.runtext import plain

    refused = False
    for run in runs:
        try:
            do(run)
        except RefusedTokenError:
            raise
        except ProblemError as error:
            click.echo(plain(f"saltern: {run}: {error.detail} ({error.code})"), err=True)
            for finding in error.findings:
                where = finding.pointer or finding.parameter or "the request"
                click.echo(plain(f"  {where}: {finding.detail}"), err=True)
            refused = True
    if refused:
        sys.exit(FINDINGS)


def limited(found: Iterator[T], limit: int) -> list[T]:
    """Return so many of what is listed, and say where there is more."""
    shown = list(islice(found, limit))
    if len(shown) == limit and next(found, None) is not None:
        click.echo(f"saltern: there are more than {limit}; --limit shows more", err=True)
    return shown


def tell(found: Sequence[ShownT], row: Callable[[ShownT], Sequence[str]], *, as_json: bool) -> None:
    """Print what is listed: a line of JSON for each, or a row of a table."""
    for line in (json_line(each.to_json()) for each in found) if as_json else table([row(each) for each in found]):
        click.echo(line)


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Align rows in columns, the last one cut to the terminal where there is one."""
    from saltern_runtime.runtext import cut, plain

    shown = [[plain(text) for text in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for row in shown:
        text = "  ".join(text.ljust(size) for text, size in zip(row, widths, strict=True))
        yield cut(text.rstrip(), width)


def moment(at: datetime) -> str:
    """Write a moment as people read it, in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def failed(failure: Failure | None) -> str:
    """Say why something failed, on one line; empty where it did not."""
    from saltern_runtime.runtext import why

    return "" if failure is None else why(failure.to_json())


def json_line(value: dict[str, Any]) -> str:
    """Write JSON on one line of ASCII, which every terminal and file takes."""
    import json  # only with --json

    return json.dumps(value, separators=(",", ":"))
