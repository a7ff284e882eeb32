"""From what was read to a pipeline in normal form with all findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from saltern_compiler.diagnostics.model import Diagnostic, Origin, has_errors
from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.ir.plan import LEVEL
from saltern_compiler.passes.analyses.types import TYPES, Types
from saltern_compiler.passes.base import Context, Memory, Pass, start_of
from saltern_compiler.passes.checking import PASSES, run
from saltern_compiler.passes.uses import Uses, with_uses
from saltern_compiler.registry import Registry
from saltern_runtime.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Analyzed:
    """A pipeline in normal form with its findings; a plan can be made of it where none of them is an error."""

    pipeline: Pipeline
    diagnostics: tuple[Diagnostic, ...]
    types: Types
    context: Context
    """What further analyses of it are asked for."""
    strict: tuple[Diagnostic, ...] = ()
    """Findings for those who ask for them."""

    @property
    def has_errors(self) -> bool:
        """Whether a finding stops the build."""
        return has_errors(self.diagnostics)


def analyze(
    pipeline: Pipeline,
    registry: Registry,
    files: Mapping[str, str] | None = None,
    *,
    uses: Uses | None = None,
    called: Mapping[str, Analyzed] | None = None,
    incomplete: bool = False,
    level: int = LEVEL,
    passes: tuple[Pass, ...] = PASSES,
    written: Callable[[Origin], int] = start_of,
    memory: Memory | None = None,
) -> Analyzed:
    """Check and normalise a pipeline. `files` are its own modules: path relative to it → text; `uses` is what its uses lead to.

    `called` is what is known of the pipelines that are used, by path.
    `level` is how much will be optimized. `written` and `memory`: see `Context`.
    `incomplete`: the source had errors that may have cost parts of it, so nothing is said about what is unused.
    """
    known = uses or {}
    context = Context(
        with_uses(registry, known),
        files or {},
        incomplete=incomplete,
        uses=known,
        level=level,
        called={path: each.context for path, each in (called or {}).items()},
        written=written,
        memory=memory,
    )
    normal = run(pipeline, context, passes)
    unique = {_key(diagnostic): diagnostic for diagnostic in context.diagnostics}.values()
    told, asked = (tuple(each for each in unique if each.is_strict is strict) for strict in (False, True))
    return Analyzed(normal, told, context.get(TYPES, normal), context, asked)


def _key(diagnostic: Diagnostic) -> tuple[object, ...]:
    """Two findings of one code and message at one place are one finding."""
    return (diagnostic.code, diagnostic.message, diagnostic.origin)
