"""What comes of a source: findings, pipeline, plan and files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from saltern_compiler.diagnostics.model import Diagnostic, Suppressed, has_errors
from saltern_compiler.driver.configuration import NO_CONFIGURATION, Configuration
from saltern_compiler.ir.pipeline import Node, Pipeline, Region
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from saltern_compiler.diagnostics.places import Source as Places
    from saltern_compiler.ir.plan import Plan  # a check makes none


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a source. There are files only where no diagnostic is an error."""

    diagnostics: tuple[Diagnostic, ...]
    """In the order in which they were found; `to_lsp` and `to_json` order them by place."""
    pipeline: Pipeline | None = None
    """What the source means; None where its syntax is too broken to tell."""
    plan: Plan | None = None
    artifacts: Mapping[str, bytes] = field(default_factory=dict)
    """Path (POSIX, relative to the tree) → content."""
    types: Mapping[str, Type] = field(default_factory=dict)
    """Node id → the type of its value (`saltern_runtime.spec.show` writes one); `any` where errors hide it."""
    text: str = ""
    source_name: str = ""
    suppressed: tuple[Suppressed, ...] = ()
    """Findings that the source says are meant; they are not among the diagnostics."""
    configuration: Configuration = NO_CONFIGURATION
    """What the findings were settled by; its own findings are about another text."""
    given: str = ""
    """The triggers that were given in place of the source's own, a line each."""
    of_given: tuple[Diagnostic, ...] = ()
    """Findings about these; their places are those of that text."""

    @property
    def has_errors(self) -> bool:
        """Whether a finding stops the build."""
        return has_errors((*self.diagnostics, *self.of_given))

    def to_lsp(self, uri: str = "") -> list[dict[str, Any]]:
        """Return the findings as LSP 3.17 `Diagnostic` objects, fixes in `data.fixes`; with `uri`, related places too."""
        from saltern_compiler.diagnostics.lsp import to_lsp  # noqa: PLC0415 - builds show findings in other ways

        return to_lsp(self.diagnostics, self._places(), uri)

    def to_json(self) -> str:
        """Return the findings as `saltern check --format json` prints them (schemas/diagnostics.v1.json)."""
        from saltern_compiler.diagnostics.render import render_json  # noqa: PLC0415 - builds show findings in other ways
        from saltern_compiler.frontend.locate import Locator  # noqa: PLC0415 - builds show findings in other ways

        return render_json(self.diagnostics, self.text, self.source_name, locator=Locator(self.text, self.source_name))

    def hovers(self) -> list[dict[str, Any]]:
        """Return what an editor shows over a node: its id as `node`, its value's type as `type`, its LSP `range`."""
        from saltern_compiler.diagnostics.lsp import lsp_range  # noqa: PLC0415 - builds show findings in other ways
        from saltern_runtime.spec import show  # noqa: PLC0415 - builds show findings in other ways

        if self.pipeline is None:
            return []
        places = self._places()
        return [
            {"node": node.id, "type": show(self.types[node.id]), "range": lsp_range(places, node.origin)}
            for node in _nodes(self.pipeline.body)
            if node.id in self.types
        ]

    def _places(self) -> Places:
        from saltern_compiler.diagnostics.places import Source as Places  # noqa: PLC0415 - builds show findings in other ways
        from saltern_compiler.frontend.locate import Locator  # noqa: PLC0415 - builds show findings in other ways

        return Places(self.text, Locator(self.text, self.source_name))


def _nodes(region: Region) -> Iterator[Node]:
    for node in region.nodes:
        yield node
        if node.body is not None:
            yield from _nodes(node.body)
