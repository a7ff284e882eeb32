"""Answers for a run on this machine: given beforehand, or asked of whoever sits at the terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from saltern_runtime.errors import AnswerError
from saltern_runtime.jsontext import JsonTextError, read_json
from saltern_runtime.runtext import plain
from saltern_runtime.spec import Json

if TYPE_CHECKING:
    from saltern_runtime.engine.service import Service
    from saltern_runtime.store.views import Awaited, RunView


class DeskError(Exception):
    """An answer that was given beforehand cannot be taken."""


def read(given: Sequence[str]) -> Mapping[str, Json]:
    """Read `NODE=ANSWER` pairs; an answer that is no JSON is a text. Raises DeskError."""
    answers: dict[str, Json] = {}
    for pair in given:
        node, sign, text = pair.partition("=")
        if not sign or not node:
            raise DeskError(f"--answer takes NODE=ANSWER, not {pair!r}")
        try:
            answers[node] = read_json(text)
        except JsonTextError:
            answers[node] = text
    return answers


class Desk:
    """Answers what waits."""

    def __init__(self, service: Service, answers: Mapping[str, Json], *, asks: bool) -> None:
        """`asks`: somebody sits at the terminal."""
        self._service = service
        self._answers = answers
        self._asks = asks
        self._told: set[str] = set()

    def look(self, run: RunView) -> None:
        """Answer what can be; say once what waits for more. Raises DeskError."""
        for found in run.awaits:
            if found.path in self._answers or found.node in self._answers:
                self._give(run, found, self._answers.get(found.path, self._answers.get(found.node)))
            elif self._asks:
                self._ask(run, found)
            elif found.path not in self._told:
                self._told.add(found.path)
                sys.stderr.write(
                    f"{_asked(found)}: nobody is asked here; begin again with --answer {found.node}={_example(found)}\n"
                )

    def _give(self, run: RunView, found: Awaited, answer: Json) -> None:
        body = {"decision": answer} if found.choices and isinstance(answer, str) else answer
        try:
            self._service.answer(run.id, found.path, body)
        except AnswerError as error:
            raise DeskError(f"{found.path} does not take this answer: {error}") from error

    def _ask(self, run: RunView, found: Awaited) -> None:
        sys.stderr.write(f"{_asked(found)}\n{'/'.join(map(plain, found.choices)) or 'JSON'}> ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            self._asks = False
            return
        (answer,) = read([f"x={line.strip()}"]).values()
        try:
            self._give(run, found, answer)
        except DeskError as error:
            sys.stderr.write(f"{error}\n")


def _asked(found: Awaited) -> str:
    until = "" if found.deadline is None else f" until {datetime.fromtimestamp(found.deadline, UTC):%Y-%m-%d %H:%M} UTC"
    return f"{found.path} waits{until}" + (f": {plain(found.text)}" if found.text else "")


def _example(found: Awaited) -> str:
    return plain(found.choices[0]) if found.choices else "'{…}'"
