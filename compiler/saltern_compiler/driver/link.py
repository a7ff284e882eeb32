"""Follows the uses of a pipeline from text to text: what each leads to, checked, or why it leads nowhere. Touches no disk."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.diagnostics.places import START
from saltern_compiler.diagnostics.places import Source as Places
from saltern_compiler.diagnostics.suggest import listed
from saltern_compiler.frontend import read
from saltern_compiler.frontend.locate import Locator
from saltern_compiler.frontend.notations import suffixes
from saltern_compiler.ir.budget import ASSUME, assumptions
from saltern_compiler.ir.pipeline import MAX_REGIONS, Pipeline, Use
from saltern_compiler.ir.plan import LEVEL
from saltern_compiler.ir.values import Literal
from saltern_compiler.passes import Analyzed, analyze
from saltern_compiler.passes.analyses.costs import COSTS
from saltern_compiler.passes.analyses.types import output_of
from saltern_compiler.passes.uses import Callee, Trouble, Uses
from saltern_compiler.registry import Registry
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Severity

_TOLD: Final = 4
"""Findings of a pipeline that cannot be used that are told where it is used, at most."""


@dataclass(frozen=True, slots=True)
class Linked:
    """What a pipeline stands on beside its own text."""

    uses: Uses
    files: Mapping[str, str]
    """Its own modules alone: path from its folder → text."""
    callees: Mapping[str, Analyzed] = field(default_factory=dict)
    """The pipelines that are used, however far away: path → what is known of each."""


def target_of(document: str, path: str) -> str | None:
    """Return where a use leads, from the folder of the pipeline that is compiled; None for a place outside of that folder.

    `document` is the one that has the use, from that folder too.
    """
    if path.startswith("/") or set(path) & set('\\:*?"<>|\0'):
        return None
    target = posixpath.normpath(posixpath.join(posixpath.dirname(document), path))
    return None if target in ("", ".", "..") or target.startswith("../") else target


def own_modules(pipeline: Pipeline, registry: Registry) -> Iterator[str]:
    """Yield the paths of the modules that parameters of nodes name, such as `python.call`'s `function`, from its folder."""
    for node in pipeline.body.walk():
        spec = registry.node(node.type, node.version)
        value = node.param(spec.imports_param) if spec is not None and spec.imports_param else None
        if isinstance(value, Literal) and isinstance(value.value, str):
            module = value.value.partition(":")[0]
            if all(part.isidentifier() for part in module.split(".")):
                yield module.replace(".", "/") + ".py"


def link(
    pipeline: Pipeline, source_name: str, texts: Mapping[str, str], registry: Registry, level: int = LEVEL
) -> Linked:
    """Follow the uses of a pipeline, and part its own modules from what else was read. `texts`: path from its folder → text."""
    linker = _Linker(texts, registry, level)
    uses = linker.uses(pipeline, (posixpath.basename(source_name),))
    theirs = linker.theirs - set(own_modules(pipeline, registry))
    own = {path: text for path, text in texts.items() if path not in theirs and not path.endswith(suffixes())}
    return Linked(uses, own, linker.callees)


@dataclass(slots=True)
class _Linker:
    texts: Mapping[str, str]
    registry: Registry
    level: int
    known: dict[str, Callee | Trouble] = field(default_factory=dict)
    callees: dict[str, Analyzed] = field(default_factory=dict)
    theirs: set[str] = field(default_factory=set)
    """Paths of texts that belong to pipelines that are used."""

    def uses(self, pipeline: Pipeline, chain: tuple[str, ...]) -> Uses:
        """Return what the uses of a pipeline lead to; `chain` is the way to it, itself last."""
        return {use.name: self._follow(use, chain) for use in reversed(pipeline.uses)}

    def _follow(self, use: Use, chain: tuple[str, ...]) -> Callee | Trouble:
        target = target_of(chain[-1], use.path)
        notes: tuple[str, ...]
        if target is None:
            notes = ("A pipeline uses others of its own folder and of folders inside of it, by a path with `/`.",)
            return Trouble("missing-pipeline", f"`{use.name}` leads out of the pipeline's folder", notes)
        if target in chain:
            way = " → ".join((*chain[chain.index(target) :], target))
            notes = (f"The way round: {way}.", "What goes on until something holds is a `while`.")
            return Trouble("recursive-use", f"`{use.name}` leads back to where it began", notes)
        if len(chain) > MAX_REGIONS:
            return Trouble(
                "nesting-too-deep", f"`{use.name}` is the {len(chain)}th pipeline that uses another one in a row"
            )
        if target not in self.known:
            self.known[target] = self._load(use, target, chain)
        return self.known[target]

    def _load(self, use: Use, target: str, chain: tuple[str, ...]) -> Callee | Trouble:
        self.theirs.add(target)
        if not target.endswith(suffixes()):
            notes: tuple[str, ...] = (f"A pipeline's file ends in {listed(list(suffixes()), 'or')}.",)
            return Trouble("broken-pipeline", f"`{target}` is no pipeline", notes)
        text = self.texts.get(target)
        if text is None:
            notes = (f"The path counts from the folder of {chain[-1]}.",)
            return Trouble("missing-pipeline", f"`{use.name}`: there is no file `{target}` that can be read", notes)
        pipeline, findings = read(text, target, self.registry)
        if pipeline is None:
            return self._broken(target, text, findings)
        folder = posixpath.dirname(target)
        paths = {path: posixpath.join(folder, path) for path in own_modules(pipeline, self.registry)}
        self.theirs.update(paths.values())
        files = {path: self.texts[there] for path, there in sorted(paths.items()) if there in self.texts}
        uses = self.uses(pipeline, (*chain, target))
        analysis = analyze(
            pipeline, self.registry, files, uses=uses, called=self.callees, incomplete=bool(findings), level=self.level
        )
        errors = [each for each in (*findings, *analysis.diagnostics) if each.severity is Severity.ERROR]
        if errors:
            return self._broken(target, text, errors)
        self.callees[target] = analysis
        of = analysis.pipeline
        cost = analysis.context.get(COSTS, of)
        return Callee(target, of, uses, output_of(of, analysis.types), cost, places_of(of, text, target))

    def _broken(self, target: str, text: str, findings: list[Diagnostic]) -> Trouble:
        """Tell what is wrong with a pipeline that is used; a way that leads round is told wherever it is met."""
        round_trip = next((each for each in findings if each.code == "recursive-use"), None)
        if round_trip is not None:
            return Trouble(round_trip.code, f"`{target}` uses what leads back to where it began", round_trip.notes)
        told: list[str] = []
        for each in findings:
            inner = each.notes if each.code == "broken-pipeline" else ()
            told += inner or (f"In {target}, {place_of(each.origin, text, target)}: {each.message} ({each.code}).",)
        more = (f"There are {len(told) - _TOLD} more.",) if len(told) > _TOLD else ()
        return Trouble("broken-pipeline", f"`{target}` cannot be used as it is", (*told[:_TOLD], *more))


def places_of(pipeline: Pipeline, text: str, source_name: str) -> Mapping[str, str]:
    """Return node id → `line:column`, or the JSON Pointer where the source is an editor's document.

    What the budget assumes stands there as `budget:assume.NAME`.
    """
    source = Places(text, Locator(text, source_name))
    found = {node.id: _shown(node.origin, source) for node in pipeline.body.walk()}
    names = (f"budget:{ASSUME}.{name}" for name in assumptions(pipeline.budget))
    return found | {name: _shown(pipeline.place(name), source) for name in names}


def place_of(origin: Origin, text: str, source_name: str) -> str:
    """Return one place as `places_of` writes it."""
    return _shown(origin, Places(text, Locator(text, source_name)))


def _shown(origin: Origin, source: Places) -> str:
    if origin.pointer is not None:
        return origin.pointer
    span = source.span(origin)
    return str(START if span is None else span.first)
