"""Logs of a service's processes: one JSON object a line, or for people at a terminal a text.

A record of what happens in a stage says where that is: run, path, attempt, node, place in the source, trace. What is secret is
masked: what a node was given that is so labelled, secrets of connections and webhooks, passwords of the store's address.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TextIO
from urllib.parse import unquote, urlsplit

from saltern_runtime.graph import Graph
from saltern_runtime.masking import MASK, SHORTEST
from saltern_runtime.observe import tracing
from saltern_runtime.observe.here import HERE, Where
from saltern_runtime.settings import LogForm, Settings

_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_WHERE: Final = ("run", "path", "attempt", "pipeline", "node", "place")


class JsonFormatter(logging.Formatter):
    """Writes a record as JSON on one line; keys given as `extra` stand beside `level`, `logger`, `message`."""

    def __init__(self, about: Mapping[str, str] | None = None, secrets: Iterable[str] = ()) -> None:
        """`about` stands in every record; `secrets` are texts that no record shows."""
        super().__init__()
        self._about, self._secrets = dict(about or {}), tuple(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line."""
        shown = {
            "ts": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **self._about,
            **dict(_place(HERE.get())),
            **{key: value for key, value in vars(record).items() if key not in _OWN},
        }
        if record.exc_info:
            shown["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            shown["stack"] = record.stack_info
        hidden = {key: self._hidden(value) for key, value in shown.items()}
        return json.dumps(hidden, default=str, ensure_ascii=False)

    def _hidden(self, value: Any) -> Any:
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        told = hidden(text, self._secrets)
        return value if told == text else told


class TextFormatter(logging.Formatter):
    """Writes a record for people, with where it comes from behind it."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """`secrets` are texts that no record shows."""
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self._secrets = tuple(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's text, of several lines where it has an exception."""
        where = HERE.get()
        first, *rest = super().format(record).split("\n")
        if where is not None:
            first += f" [{' '.join(filter(None, (where.run, where.path, where.node, where.place)))}]"
        return hidden("\n".join([first, *rest]), self._secrets)


def hidden(text: str, secrets: Iterable[str]) -> str:
    """Return a text without these secrets, and without those of the node that runs."""
    where = HERE.get()
    if where is not None and where.hide is not None:
        text = where.hide(text)
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def _place(where: Where | None) -> Iterator[tuple[str, Any]]:
    if where is not None:
        yield from ((name, getattr(where, name)) for name in _WHERE if getattr(where, name) is not None)
    trace = tracing.current() or (None if where is None or not where.trace_id else (where.trace_id, where.span_id))
    if trace is not None:
        yield from zip(("trace_id", "span_id"), trace, strict=True)


def secrets_of(graph: Graph, settings: Settings, env: Mapping[str, str], names: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the secrets that a process knows: of its connections, of the variables `names`, in addresses of the store; the longest first."""
    references = (reference for each in graph.connections.values() for reference in each.secrets.values())
    values = {env.get(name.removeprefix("env:"), "").strip() for name in (*references, *names)}
    for url in (settings.redis_url, settings.broker_url):
        password = urlsplit(url).password or ""
        values |= {password, unquote(password)}
    return tuple(sorted((each for each in values if len(each) >= SHORTEST), key=lambda each: (-len(each), each)))


def is_json(form: LogForm, stream: TextIO) -> bool:
    """Whether logs of this form, on this stream, are JSON."""
    return form is LogForm.JSON or (form is LogForm.AUTO and not stream.isatty())


def log_to_stderr(
    settings: Settings, about: Mapping[str, str], secrets: Iterable[str], level: int = logging.INFO
) -> bool:
    """Send all logs of this process to standard error in the form that the settings say; returns whether that is JSON."""
    handler = logging.StreamHandler(sys.stderr)
    told = is_json(settings.logs, sys.stderr)
    handler.setFormatter(JsonFormatter(about, secrets) if told else TextFormatter(secrets))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    return told
