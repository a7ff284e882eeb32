"""Compiles a pipeline again whenever its files change, and tells a running service."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from saltern_compiler.cli.common import plural, rendered, wants_color
from saltern_compiler.driver import Result, Source, SourceError, compile_loaded, write_tree
from saltern_compiler.driver.watch import Watch
from saltern_compiler.registry import Registry


class Reloader:
    """Writes orders for `saltern_runtime.dev`: a new tree where the source is clean, its findings where it is not."""

    def __init__(self, pipeline: str, folder: Path, orders: TextIO, optimize: int) -> None:
        self._pipeline = pipeline
        self._folder = folder
        self._orders = orders
        self._optimize = optimize
        self._watch = Watch([Path(pipeline)])
        self._plan = ""
        self._built = 1

    def begin(self, result: Result) -> None:
        """Take what runs now."""
        assert result.plan is not None, "only what is clean runs"
        self._plan = result.plan.digest
        self._follow(Source.load(self._pipeline), result)

    def look(self) -> None:
        """Compile if something has changed. Whatever goes wrong is told, and the old version goes on."""
        if not self._watch.changed():
            return
        try:
            source = Source.load(self._pipeline)
            result = compile_loaded(source, optimize=self._optimize)
        except SourceError as error:
            self._tell("unreadable", f"{error}; the old version goes on")
            return
        except Exception as error:  # noqa: BLE001 - our own bug must not end a service with runs under way
            self._tell(
                "internal-error", f"internal error of saltern, the old version goes on: {type(error).__name__}: {error}"
            )
            return
        self._follow(source, result)
        self._take(source, result)

    def _take(self, source: Source, result: Result) -> None:
        if result.diagnostics:
            text = rendered(result.diagnostics, source, self._pipeline, color=wants_color(sys.stdout))
            self._tell(
                "findings", text + ("the old version goes on\n" if result.has_errors else ""), len(result.diagnostics)
            )
        if result.has_errors:
            return
        assert result.plan is not None, "a clean result has a plan"
        if result.plan.digest == self._plan:
            self._tell("unchanged", f"{self._pipeline}: read again, nothing that runs has changed")
            return
        self._built += 1
        tree = self._folder / f"tree{self._built}"
        written = write_tree(result.artifacts, tree)
        self._plan = result.plan.digest
        self._tell("compiled", f"{self._pipeline}: compiled, {plural(len(written.written), 'file')}")
        self._order({"tree": str(tree)})

    def _follow(self, source: Source, result: Result) -> None:
        """Watch the source and the modules that it names; while its text is broken, those it named before."""
        if result.pipeline is not None:
            self._watch.look_at([Path(self._pipeline), *source.places(result.pipeline, Registry.load())])

    def _tell(self, event: str, text: str, count: int | None = None) -> None:
        more = {} if count is None else {"count": count}
        self._order({"event": {"event": event, "source": self._pipeline, **more}, "text": text})

    def _order(self, order: dict[str, object]) -> None:
        # Where the service is gone, its exit code says so.
        with suppress(BrokenPipeError):
            self._orders.write(json.dumps(order) + "\n")
            self._orders.flush()
