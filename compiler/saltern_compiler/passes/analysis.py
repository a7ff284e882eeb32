"""Everything that is found out about a pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from saltern_compiler.diagnostics.model import Diagnostic, Severity
from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.passes.base import Context
from saltern_compiler.passes.conditions import Conditions
from saltern_compiler.passes.pipeline import run
from saltern_compiler.passes.shape import Shape
from saltern_compiler.registry import Registry
from saltern_runtime.spec import Effect, Type


@dataclass(frozen=True, slots=True)
class Analysis:
    """A pipeline in normal form with its findings; a plan can be made of it where none of them is an error."""

    pipeline: Pipeline
    diagnostics: tuple[Diagnostic, ...]
    types: Mapping[str, Type]
    """Node id → the type of its value; `any` where errors hide it."""
    effects: Mapping[str, Effect]
    """Node id → what a repeated call does to the world; unknown types are left out."""
    skippable: Mapping[str, frozenset[str]]
    """Node id → those of its reads that may have been skipped when it runs; nodes without such are left out."""
    items: Mapping[str, Type]
    """Id of a foreach → the type of its items."""
    conditions: Conditions
    shape: Shape

    @property
    def has_errors(self) -> bool:
        """Whether a finding stops the build."""
        return any(each.severity is Severity.ERROR for each in self.diagnostics)


def analyze(
    pipeline: Pipeline, registry: Registry, files: Mapping[str, str] | None = None, *, incomplete: bool = False
) -> Analysis:
    """Check and normalise a pipeline. `files` are its own modules: path relative to it → text.

    `incomplete`: the source had errors that may have cost parts of it, so nothing is said about what is unused.
    """
    context = Context(registry, files or {}, incomplete=incomplete)
    normal = run(pipeline, context)
    unique = tuple({_key(each): each for each in context.diagnostics}.values())
    return Analysis(
        normal,
        unique,
        context.types,
        context.effects,
        context.skippable,
        context.items,
        context.conditions,
        context.shape(normal),
    )


def _key(diagnostic: Diagnostic) -> tuple[object, ...]:
    """Two findings of one code and message at one place are one finding."""
    return (diagnostic.code, diagnostic.message, diagnostic.origin)
