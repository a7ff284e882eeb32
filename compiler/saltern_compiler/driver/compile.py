"""Source text in, diagnostics, plan and files out: a pure function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING, Final

from saltern_compiler.diagnostics.model import Diagnostic, Origin, has_errors
from saltern_compiler.driver.allowing import allow_what_is_meant
from saltern_compiler.driver.collecting import uncollected
from saltern_compiler.driver.configuration import NO_CONFIGURATION, Configuration, load_configuration
from saltern_compiler.driver.manifest import BUILD_FILE, is_inside, manifest
from saltern_compiler.driver.result import Result
from saltern_compiler.driver.source import Source, sniff
from saltern_compiler.expr.ast import Reference, references
from saltern_compiler.expr.parse import parse
from saltern_compiler.frontend import read
from saltern_compiler.ir.pipeline import Node, Pipeline, Region
from saltern_compiler.ir.plan import LEVEL, LEVELS
from saltern_compiler.ir.values import make_expression
from saltern_compiler.registry import TARGETS as PLUGIN_TARGETS
from saltern_compiler.registry import PluginError, Registry
from saltern_compiler.target import Contribution, Target
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import ObjectType

if TYPE_CHECKING:
    from saltern_compiler.ir.plan import Plan
    from saltern_compiler.passes import Analyzed
    from saltern_compiler.passes.base import Memory

TARGETS: Final = ("python", "fastapi", "celery")
"""What runs a pipeline."""
EXPRESSION: Final = "expression.saltern"
"""The name of an expression that stands alone, as if it were a file."""
EVERY_TARGET: Final = (*TARGETS, "compose", "docker", "kubernetes")
"""What a build writes: that, and what deploys it."""


class UnknownTargetError(LookupError):
    """A target that there is not; the message is for whoever called the compiler."""


class InternalError(Exception):
    """Our own bug: no pipeline, however wrong, may lead here."""


@uncollected()
def compile_source(
    text: str,
    *,
    source_name: str = "",
    files: Mapping[str, str] | None = None,
    targets: Iterable[str] = TARGETS,
    options: Mapping[str, str] | None = None,
    registry: Registry | None = None,
    configuration: Configuration = NO_CONFIGURATION,
    optimize: int = LEVEL,
    triggers: Sequence[str] = (),
) -> Result:
    """Compile a text; pure: whatever the text says, the answer is a Result.

    The suffix of `source_name` tells the notation (.saltern, .json, .yaml); without a name, text that begins with a brace is
    JSON. `files` are the pipelines that it uses, and their own modules and its own, as path relative to it → text. Without targets the text is checked and planned
    only. `triggers` stand in place of those that the text has, each as it is written behind `on`: `schedule "0 7 * * *"`. `configuration` says how bad findings are (`read_configuration` makes one of a text). `optimize` is a level, one of 0, 1 and 2 (ValueError). Raises UnknownTargetError for a target that there is not, RegistryError for installed plugins that do not fit together.
    """
    name = source_name or sniff(text)
    known = registry or Registry.load()
    pipeline, findings = read(text, name, known)
    job = Job(
        text, name, files or {}, tuple(targets), options or {}, known, configuration, _level(optimize), tuple(triggers)
    )
    return _compile(job, pipeline, findings)


@uncollected()
def compile_loaded(
    source: Source,
    *,
    targets: Iterable[str] = TARGETS,
    options: Mapping[str, str] | None = None,
    registry: Registry | None = None,
    optimize: int = LEVEL,
    triggers: Sequence[str] = (),
) -> Result:
    """Compile a loaded source with the modules and by the configuration that lie beside it; `triggers` as for `compile_source`."""
    known = registry or Registry.load()
    pipeline, findings = read(source.text, source.name)
    files = source.files(pipeline, known) if pipeline is not None else {}
    configuration = load_configuration(source.folder, known.codes)
    job = Job(
        source.text,
        source.name,
        files,
        tuple(targets),
        options or {},
        known,
        configuration,
        _level(optimize),
        tuple(triggers),
    )
    return _compile(job, pipeline, findings)


@uncollected()
def compile_expression(text: str, of: ObjectType, *, registry: Registry | None = None) -> Result:
    """Compile an expression alone, as what a pipeline returns whose `input` is of a type; places are offsets in the text."""
    known = registry or Registry.load()
    whole = Origin(None, 0, len(text))
    expr, findings = parse(text, whole)
    pipeline = None
    if expr is not None and not has_errors(findings):
        findings += [_no_run(reference) for reference in references(expr) if reference.name == "run"]
        node = Node("return", "return", params=(("value", make_expression(expr, whole)),), origin=whole)
        pipeline = Pipeline("expression", of, body=Region((node,)), origin=whole)
    return _compile(Job(text, EXPRESSION, {}, ("python",), {}, known, optimize=0), pipeline, findings)


def _level(optimize: int) -> int:
    if optimize not in LEVELS:
        raise ValueError(f"no level {optimize!r}; there are {', '.join(map(str, LEVELS))}")
    return optimize


def _no_run(reference: Reference) -> Diagnostic:
    notes = ("A run has it; an expression alone reads `input`.",)
    return Diagnostic("unknown-name", "there is no `run` here", Origin(None, *reference.span), notes=notes)


def check_loaded(source: Source, *, registry: Registry | None = None) -> Result:
    """Check a loaded source; the result has no plan and no files."""
    return analyze_loaded(source, registry=registry)[0]


@uncollected()
def analyze_loaded(
    source: Source, *, registry: Registry | None = None, optimize: int = LEVEL
) -> tuple[Result, Analyzed | None, Mapping[str, Analyzed]]:
    """Check a loaded source; also return what is known of it, None where it cannot be read, and of all that it uses, by path.

    `optimize`: the level that it is judged for, since what a run costs differs.
    """
    known = registry or Registry.load()
    pipeline, findings = read(source.text, source.name)
    files = source.files(pipeline, known) if pipeline is not None else {}
    configuration = load_configuration(source.folder, known.codes)
    job = Job(source.text, source.name, files, (), {}, known, configuration, _level(optimize))
    return analyze_read(job, pipeline, findings)


def analyze_read(
    job: Job,
    pipeline: Pipeline | None,
    findings: Sequence[Diagnostic],
    *,
    memory: Memory | None = None,
    shown: Callable[[Diagnostic], Diagnostic] | None = None,
    written: Callable[[Origin], int] | None = None,
) -> tuple[Result, Analyzed | None, Mapping[str, Analyzed]]:
    """Check what was read. `memory` keeps what is found out about nodes.

    Where the pipeline's places are not those of the text, `shown` moves findings to these, and `written` says where one begins in it.
    """
    if pipeline is None:
        settled = job.configuration.rules.apply(findings)
        unread = Result(settled, text=job.text, source_name=job.source_name, configuration=job.configuration)
        return unread, None, {}
    from saltern_compiler.driver.link import link  # noqa: PLC0415 - a source with broken syntax needs no passes
    from saltern_compiler.passes import analyze  # noqa: PLC0415 - a source with broken syntax needs no passes
    from saltern_compiler.passes.base import start_of  # noqa: PLC0415 - a source with broken syntax needs no passes

    given = None
    if job.triggers:
        from saltern_compiler.driver.triggers import started_by  # noqa: PLC0415 - few builds have other triggers than their text

        given = started_by(pipeline, job.text, job.triggers)
        pipeline, findings = given.pipeline, (*findings, *given.findings)
    linked = link(pipeline, job.source_name, job.files, job.registry, job.optimize)
    analysis = analyze(
        pipeline,
        job.registry,
        linked.files,
        uses=linked.uses,
        called=linked.callees,
        level=job.optimize,
        written=written or start_of,
        memory=memory,
    )
    found = (*findings, *analysis.diagnostics, *analysis.strict)
    found, of_given = (found, ()) if given is None else given.split(found)
    result = Result(
        found if shown is None else tuple(map(shown, found)),
        analysis.pipeline,
        types=analysis.types.of,
        text=job.text,
        source_name=job.source_name,
        configuration=job.configuration,
        given="" if given is None else given.text,
        of_given=job.configuration.rules.apply(of_given),
    )
    if not has_errors(findings):
        result = _with_upgrades(result, pipeline, job.registry)
        result = allow_what_is_meant(result, job.registry)
    result = replace(result, diagnostics=job.configuration.rules.apply(result.diagnostics))
    return result, analysis, linked.callees


def _with_upgrades(result: Result, pipeline: Pipeline, registry: Registry) -> Result:
    if not any(each.code == "deprecated-version" and not each.fixes for each in result.diagnostics):
        return result
    from saltern_compiler.driver.upgrade import with_upgrades  # noqa: PLC0415 - few pipelines have old nodes

    return with_upgrades(result, pipeline, registry)


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be compiled, and into what."""

    text: str
    source_name: str
    files: Mapping[str, str]
    targets: tuple[str, ...]
    options: Mapping[str, str]
    registry: Registry
    configuration: Configuration = NO_CONFIGURATION
    optimize: int = LEVEL
    triggers: tuple[str, ...] = ()
    """In place of those of the text, where there are any."""


def _compile(job: Job, pipeline: Pipeline | None, findings: Sequence[Diagnostic]) -> Result:
    chosen = _select(job.targets, job.registry)
    result, analysis, callees = analyze_read(job, pipeline, findings)
    if analysis is None or result.has_errors:
        return result
    from saltern_compiler.driver.link import places_of  # noqa: PLC0415 - a source with mistakes needs no plan
    from saltern_compiler.passes import make_plan  # noqa: PLC0415 - a source with mistakes needs no plan

    plan = make_plan(
        analysis,
        job.registry,
        callees=callees,
        source_name=job.source_name,
        places=places_of(analysis.pipeline, job.text, job.source_name),
        options={name: value for name, value in job.options.items() if not _is_of_target(name, chosen)},
        level=job.optimize,
    )
    return replace(result, plan=plan, artifacts=_emit(plan, chosen, job))


def known_options(targets: Iterable[str], registry: Registry | None = None) -> tuple[str, ...]:
    """Return the names of the options that some targets take, sorted; raises UnknownTargetError for an unknown target."""
    chosen = _select(tuple(targets), registry or Registry.load())
    return tuple(sorted({option for target in chosen for option in target.options}))


def _is_of_target(option: str, targets: tuple[Target, ...]) -> bool:
    """Whether an option is about how the service is deployed, so that no digest depends on it."""
    return any(option in target.options for target in targets)


def _select(names: tuple[str, ...], registry: Registry) -> tuple[Target, ...]:
    """Return the named targets and what they need, sorted by name."""
    chosen: dict[str, Target] = {}
    wanted = list(names)
    while wanted:
        name = wanted.pop()
        target = registry.target(name)
        if target is None:
            raise UnknownTargetError(f"no target {name!r}; there are {', '.join(registry.target_names())}")
        if name not in chosen:
            chosen[name] = target
            wanted.extend(target.needs)
    return tuple(chosen[name] for name in sorted(chosen))


def _emit(plan: Plan, targets: tuple[Target, ...], job: Job) -> Mapping[str, bytes]:
    if not targets:
        return {}
    tree = _Tree(job.registry)
    shared = _merge([target.contribute(plan) for target in targets])
    for target in targets:
        own = {key: value for key, value in job.options.items() if key in target.options}
        tree.add(target, target.emit(plan, own))
    for target in targets:
        if target.assemble is not None:
            tree.add(target, target.assemble(plan, shared))
    names = tuple(target.name for target in targets)
    build_file = manifest(plan, tree.files, tree.owners, targets=names, options=job.options, triggers=job.triggers)
    return dict(sorted((*tree.files.items(), (BUILD_FILE, build_file))))


@dataclass(frozen=True, slots=True)
class _Tree:
    """Files, and whose each is: a clash is our own bug, or that of a plugin."""

    registry: Registry
    files: dict[str, bytes] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)

    def add(self, target: Target, more: Mapping[str, bytes]) -> None:
        for path, data in more.items():
            if not is_inside(path) or path == BUILD_FILE:
                raise self._error(f"{self._who(target.name)} emits {path!r}, which is no path of a tree", target.name)
            if path in self.files:
                other = self.owners[path]
                message = f"{self._who(target.name)} emits {path!r}, and so does {self._who(other)}"
                raise self._error(message, target.name, other)
            self.files[path] = data
            self.owners[path] = target.name

    def _who(self, name: str) -> str:
        plugin = self.registry.plugin(PLUGIN_TARGETS, name)
        return f"the target {name} of {plugin}" if plugin is not None else f"the target {name}"

    def _error(self, message: str, *names: str) -> Exception:
        is_plugin = any(self.registry.plugin(PLUGIN_TARGETS, name) is not None for name in names)
        return PluginError(message) if is_plugin else InternalError(message)


def _merge(contributions: Iterable[Contribution]) -> Contribution:
    parts = tuple(contributions)
    return Contribution(
        exports=tuple(sorted({export for one in parts for export in one.exports})),
        extras=tuple(sorted({extra for one in parts for extra in one.extras})),
        readme="\n".join(one.readme for one in parts if one.readme),
    )
