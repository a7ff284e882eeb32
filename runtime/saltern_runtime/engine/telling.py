"""What is told of a node, in its run and in the log: without what is secret, or about a person, in what it was given."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from saltern_runtime.engine.places import stage_of
from saltern_runtime.errors import NodeError, said
from saltern_runtime.jsontext import compact
from saltern_runtime.masking import MASK, PERSONAL, without
from saltern_runtime.spec.types import Places
from saltern_runtime.store.failures import PayloadsUnreachableError, SealedValueError, ValueGoneError

if TYPE_CHECKING:
    from saltern_runtime.engine.results import NodeFailedError
    from saltern_runtime.engine.stages import Plans
    from saltern_runtime.store.calls import Claim, Sleep
    from saltern_runtime.store.reading import Reader

log = logging.getLogger("saltern.engine")
LONG: Final = 10_000
"""Characters of a message that go to a log, at most; there is no traceback with a longer one, since it repeats it."""
_GIVEN: Final = (ValueGoneError, SealedValueError, PayloadsUnreachableError)


class Teller:
    """Says what happened in the stages of one graph."""

    def __init__(self, plans: Plans, reader: Reader) -> None:
        self._plans, self._reader = plans, reader
        self._hidden = plans.graph.hidden()

    def cleaned(self, message: str, claim: Claim, node: str | None) -> str:
        """Return a message with a mask for each secret, and each text about a person, of the run's input and of what the stage reads."""
        for value, places in self._plans.secrets_read(node, claim):
            message = without(message, value, places)
        for value, places in self._about_persons(node, claim):
            message = without(message, value, places, PERSONAL)
        if not self._hidden.secrets and not self._hidden.personal:
            return message
        try:
            given = self._reader.given(claim.run)
        except _GIVEN:
            return MASK
        return without(without(message, given, self._hidden.secrets), given, self._hidden.personal, PERSONAL)

    def asking(self, sleep: Sleep, claim: Claim, node: str) -> Sleep:
        """Return a wait with what it asks as those see it who are not asked: nothing in it is about a person."""
        if sleep.asks is None:
            return sleep
        asks = json.loads(sleep.asks)
        shown = self.cleaned(asks["text"], claim, node)
        return sleep if shown == asks["text"] else replace(sleep, asks=compact({**asks, "shown": shown}))

    def failed(self, error: NodeFailedError, claim: Claim) -> None:
        """Log why a node failed: with a traceback where it is no error that a node knows, and nothing in it is hidden."""
        cause = error.__cause__
        is_known = isinstance(cause, NodeError)
        text = said(cause)
        told = self.cleaned(text, claim, error.node)
        is_plain = told == text and len(text) <= LONG and self._is_plain(cause, claim, error.node)
        line = "".join(char if char.isprintable() else " " for char in told[:LONG])
        line = line if is_known else said(cause, repr)[:LONG] if is_plain else f"{type(cause).__name__}: {line}"
        log.warning(
            "node %s failed in attempt %d: %s", error.node, claim.attempt, line,
            extra={"run": claim.run, "path": claim.path, "node": error.node},
            exc_info=cause if is_plain and (not is_known or log.isEnabledFor(logging.DEBUG)) else None,
        )  # fmt: skip

    def _is_plain(self, cause: BaseException | None, claim: Claim, node: str) -> bool:
        """Whether a traceback, with what led to the error, says nothing that is hidden, and can be written anywhere."""
        whole = "" if cause is None else "".join(traceback.format_exception(cause))
        is_text = whole.encode("utf-8", "replace").decode() == whole
        return is_text and self.cleaned(whole, claim, node) == whole

    def _about_persons(self, node: str | None, claim: Claim) -> Iterator[tuple[Any, Places]]:
        yield from self._plans.read_by(node, claim, "personal")
        for place, text in claim.values.items():
            places = self._personal(place)
            if places:
                yield json.loads(text), places

    def _personal(self, place: str) -> Places:
        """Return where what stands at a place among the values is about a person; of the run's input others know."""
        if place.endswith("]"):
            stage = self._plans.stages[stage_of(place.rpartition("[")[0])].stage
            called = stage.opens.callee if stage.opens is not None else None
            return (*stage.nodes[-1].personal_items, *(called.personal if called is not None else ()))
        node = self._plans.graph.nodes.get(place.rpartition("]/")[2])
        return () if node is None else node.personal
