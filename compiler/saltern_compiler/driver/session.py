"""A source that is being edited: after each edit its findings, as a check of the whole text has them, for less work.

    session = Session(text, source_name="orders.saltern")
    session.edit((start, end), "new text")     # offsets in characters
    session.edit_lsp(range, "new text")        # an LSP range: lines, and characters in UTF-16 code units
    session.diagnostics

Statements of the language that an edit leaves as they are are neither parsed nor lowered again, wherever they move; nodes are typed
again only where they, or the types of what they read, have changed. A document of an editor is checked whole each time, and so is a
text whose syntax is broken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.driver.collecting import uncollected
from saltern_compiler.driver.compile import Job, analyze_read
from saltern_compiler.driver.configuration import NO_CONFIGURATION, Configuration
from saltern_compiler.driver.result import Result
from saltern_compiler.driver.source import sniff
from saltern_compiler.expr.ast import Span
from saltern_compiler.frontend import MAX_CHARACTERS, read
from saltern_compiler.frontend.language.keeping import Keeper, Kept, moved
from saltern_compiler.frontend.notations import LANGUAGE, notation_of
from saltern_compiler.passes.base import Memory
from saltern_compiler.registry import Registry

_LINE_END: Final = re.compile(r"\r\n|\n|\r")


class Session:
    """One source; `files` are the pipelines and modules beside it, as `compile_source` takes them."""

    def __init__(
        self,
        text: str,
        *,
        source_name: str = "",
        files: Mapping[str, str] | None = None,
        registry: Registry | None = None,
        configuration: Configuration = NO_CONFIGURATION,
    ) -> None:
        self.text = text
        self.name = source_name or sniff(text)
        self._files = files or {}
        self._registry = registry or Registry.load()
        self._configuration = configuration
        self._keeper = Keeper()
        self._memory = Memory()
        self._result: Result | None = None
        self.statements_read = 0
        """How many statements and sections the last check parsed; 0 where it read the whole text."""
        self.nodes_typed = 0
        """How many nodes the last check typed, regions and what they give aside."""
        self.nodes_looked_into = 0
        """How often a check of nodes by themselves looked into one, the last time: once for each check and each new node."""

    def edit(self, span: Span, text: str) -> None:
        """Put a text in place of the characters from `span[0]` to before `span[1]`; what is outside of the source is cut off."""
        start = min(max(span[0], 0), len(self.text))
        end = min(max(span[1], start), len(self.text))
        self.text = self.text[:start] + text + self.text[end:]
        self._result = None

    def edit_lsp(self, place: Mapping[str, Any], text: str) -> None:
        """Put a text in place of an LSP `Range`."""
        self.edit((self._offset(place["start"]), self._offset(place["end"])), text)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What is found in the source as it stands: what `compile_source(text, targets=())` says."""
        return self.result.diagnostics

    @property
    def result(self) -> Result:
        """The findings with what they are shown by; `pipeline`, `types` and `hovers` are for a check of the whole."""
        if self._result is None:
            self._result = self._check()
        return self._result

    @uncollected()
    def _check(self) -> Result:
        job = Job(self.text, self.name, self._files, (), {}, self._registry, self._configuration)
        kept = self._read()
        self._memory.begin()
        if kept is None:
            self.statements_read = 0
            pipeline, findings = read(self.text, self.name, self._registry)
            result, _, _ = analyze_read(job, pipeline, findings, memory=self._memory)
        else:
            self.statements_read = self._keeper.parsed

            def shown(origin: Origin) -> Origin:
                if origin.start is None or origin.end is None:
                    return origin
                return Origin(origin.pointer, *kept.real(origin.start, origin.end), key=origin.key)

            result, _, _ = analyze_read(
                job,
                kept.pipeline,
                kept.findings,
                memory=self._memory,
                shown=lambda finding: moved(finding, shown),
                written=lambda origin: shown(origin).start or 0,
            )
        self.nodes_typed = self._memory.typed
        self.nodes_looked_into = self._memory.looked
        return result

    def _read(self) -> Kept | None:
        """Read the source by its statements, where that can be."""
        if len(self.text) > MAX_CHARACTERS or notation_of(self.name, self.text) is not LANGUAGE:
            return None
        return self._keeper.read(" " + self.text[1:] if self.text.startswith("\ufeff") else self.text)

    def _offset(self, position: Mapping[str, int]) -> int:
        """Return where a position of the protocol stands; one behind the end of its line is that end."""
        start = 0
        for _ in range(position["line"]):
            found = _LINE_END.search(self.text, start)
            if found is None:
                return len(self.text)
            start = found.end()
        ends = _LINE_END.search(self.text, start)
        line = self.text[start : len(self.text) if ends is None else ends.start()]
        units = line.encode("utf-16-le", "surrogatepass")[: 2 * position["character"]]
        return start + len(units.decode("utf-16-le", "ignore"))
