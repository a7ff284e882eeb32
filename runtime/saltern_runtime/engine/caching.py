"""What a cached node gave before for the same arguments. A cache that is away or broken is as good as empty."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter

from saltern_runtime.context import Connection
from saltern_runtime.files import placed
from saltern_runtime.models import plain
from saltern_runtime.stage import Node
from saltern_runtime.store.failures import StoreUnavailableError, StoreUnfitError
from saltern_runtime.store.files import SPARE, Shelf
from saltern_runtime.store.keys import digest_of
from saltern_runtime.store.store import Store

log = logging.getLogger("saltern.cache")


@dataclass(slots=True)
class Recall:
    """One attempt of a cached node.

    Two workers that ask for the same at once both call; what the later one gave is kept.
    """

    store: Store
    node: Node[Any, Any]
    tenant: str
    connection: Connection | None
    plan: str
    """Own code counts with the plan that it belongs to."""
    keeps: float
    """Seconds for which the run needs the files of a value that is known."""
    fresh: bool = False
    """Whether the node is to run, whatever is known: what it gives is kept."""
    hit: bool = False
    _key: str = ""

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with the cache before it. It takes the context first, or nothing but keywords."""

        def asked(*args: Any, **keywords: Any) -> Any:
            known = self._known(args[1:], keywords)
            return function(*args, **keywords) if known is None else known[0]

        return asked

    def _known(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[Any] | None:
        try:
            self._key = self._key_of(args, keywords)
            text = None if self.fresh else self.store.recall(self._key)
            if text is None:
                return None
            value = self.node.adapters["return"].validate_json(text)
            if not self._holds(value, self.keeps):
                return None
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the node runs
            log.warning("node %s runs without its cache: %s", self.node.id, _named(error))
            return None
        self.hit = True
        return (value,)

    def keep(self, value: object, text: str) -> None:
        """Keep what the node gave (and its JSON text), unless it was known already."""
        if self.hit or not self._key or self.node.cache is None:
            return
        try:
            if self._holds(value, self.node.cache):
                self.store.keep_value(self._key, text, self.node.cache)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the node runs
            log.warning("the value of node %s is not cached: %s", self.node.id, _named(error))

    def _holds(self, value: object, keep: float) -> bool:
        """Have the files of a value kept; False where one is gone."""
        return not Shelf(self.store).secure(self.tenant, placed(value), keep + SPARE)

    def _key_of(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> str:
        through = self.connection
        asked = digest_of(
            self.tenant,
            self.node.type,
            "" if self.node.takes_context else f"{self.plan} {self.node.id}",  # its arguments are made in it
            "" if through is None else through.name,
            "" if through is None else self._text(dict(through.settings)),
            self._text([args, keywords]),
        )
        return self.store.seals.keyed(asked)

    def _text(self, value: Any) -> str:
        return json.dumps(plain(value, self._named), sort_keys=True)

    def _named(self, value: object) -> object:
        """Say which class or function an argument is."""
        named = f"{getattr(value, '__module__', '')}:{getattr(value, '__qualname__', repr(value))}"
        if isinstance(value, type):
            return {"$type": named, "schema": _schema(value)}
        return {"$value": named, "plan": self.plan}


def _named(error: Exception) -> str:
    """Say what an error is: in words where it comes from the store, since others repeat values."""
    return str(error) if isinstance(error, StoreUnavailableError | StoreUnfitError) else type(error).__name__


@lru_cache
def _schema(of: type) -> object:
    return TypeAdapter(of).json_schema()
