"""Prints graph.py: stages, policies, connections and deadlines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from saltern_compiler.ir.pipeline import SHARED_SETTINGS, Connection, ControlEdge
from saltern_compiler.ir.plan import (
    Awaits,
    Calls,
    Carries,
    Elided,
    Inner,
    Opens,
    Plan,
    Responds,
    Schedule,
    Sleeps,
    Stage,
    Starts,
)
from saltern_compiler.ir.values import split_secrets
from saltern_compiler.pytext import literal, string
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import DEFAULT_POLICY, Assumes, Concurrency, Limits, Retry
from saltern_runtime.spec.types import marked
from saltern_runtime.version import __version__
from saltern_targets.names import function_names, item_names, module_names, package_name, part_package
from saltern_targets.python.classes import Classes
from saltern_targets.writing import Module, sentence, tuple_of, written_places

_DEFAULT_QUEUE: Final = "default"


def emit_graph(plan: Plan, classes: Classes) -> bytes:
    """Write the graph."""
    package = package_name(plan)
    module = Module(
        f"The plan of the pipeline {sentence(plan.pipeline.name)[:-1]}: stages, policies, deadlines.",
        source_name=plan.source_name,
        package=package,
    )
    module.use("saltern_runtime", "Graph", "Stage", "require")
    module.use(package, "nodes")
    functions = function_names(plan)
    gathering = [stage.opens.gather.partition(":")[0] for stage in plan.stages if stage.opens and stage.opens.gather]
    stages = _Stages(module, plan, classes, functions, item_names(plan), module_names(gathering, {"nodes"})).of("")
    parts = [
        literal(plan.pipeline.name),
        f"package={literal(package)}",
        f"deadline={literal(float(plan.deadline))}",
        f"retention={literal(float(plan.retention))}",
        *([f"retained={literal(dict(plan.retained))}"] if plan.retained else []),
        *([f"reserve={literal(float(plan.reserve))}"] if plan.reserve else []),
        *([f"secrets={written_places(secrets)}"] if (secrets := marked(plan.input_type, "secret")) else []),
        *([f"personal={written_places(personal)}"] if (personal := marked(plan.input_type, "personal")) else []),
    ]
    used = {name for planned in plan.nodes for name in (planned.node.connection, *dict(planned.node.mapping).values())}
    if plan.assumes:
        module.use("saltern_runtime", "Assumes")
        parts.append(f"assumes=({', '.join(map(_assumes, plan.assumes))},)")
    if plan.concurrency is not None:
        module.use("saltern_runtime", "Concurrency")
        parts.append(f"concurrency={_concurrency(plan.concurrency)}")
    connections = [
        _connection(plan, module, connection) for connection in plan.pipeline.connections if connection.name in used
    ]
    if connections:
        module.use("saltern_runtime", "Connection")
        parts.append(f"connections=({', '.join(connections)},)")
    if plan.schedules:
        module.use("saltern_runtime", "Schedule")
        parts.append(f"schedules=({', '.join(_schedule(schedule) for schedule in plan.schedules)},)")
    parts.append(f"stages={stages}")
    module.add(f"require({literal(__version__)})")
    module.blank()
    module.add(f"GRAPH = Graph({', '.join(parts)},)")
    return module.render()


def _connection(plan: Plan, module: Module, connection: Connection) -> str:
    settings: dict[str, object] = {}
    secrets: dict[str, object] = {}
    for name, value in connection.settings:
        if name in SHARED_SETTINGS:
            continue
        written, hidden = split_secrets(name, value)
        if written is not None or not hidden:
            settings[name] = written
        for place, reference in hidden.items():
            secret = plan.pipeline.secret(reference.name)
            assert secret is not None, "checks refuse a reference to no secret"
            secrets[place] = secret.reference
    parts = [literal(connection.name), f"connector={literal(connection.connector)}"]
    if settings:
        parts.append(f"settings={literal(settings)}")
    if secrets:
        parts.append(f"secrets={literal(secrets)}")
    if connection.limits is not None:
        module.use("saltern_runtime", "Limits")
        parts.append(f"limits={_limits(connection.limits)}")
    return f"Connection({', '.join(parts)})"


def _assumes(assumes: Assumes) -> str:
    at = f", place={literal(assumes.place)}" if assumes.place else ""
    most = int(assumes.at_most) if float(assumes.at_most).is_integer() else float(assumes.at_most)
    return f"Assumes({literal(assumes.name)}, {literal(most)}{at})"


def _concurrency(limit: Concurrency) -> str:
    key = f", key={tuple_of([literal(field) for field in limit.key])}" if limit.key else ""
    return f"Concurrency({literal(limit.at_most)}{key}, then={literal(limit.then)})"


def _limits(limits: Limits) -> str:
    given = {
        "per_second": None if limits.per_second is None else float(limits.per_second),
        "concurrency": limits.concurrency,
        "by": limits.by,
    }
    return f"Limits({', '.join(f'{name}={literal(value)}' for name, value in given.items() if value is not None)})"


def _schedule(schedule: Schedule) -> str:
    parts = [literal(schedule.id), f"cron={literal(schedule.cron)}", f"time_zone={literal(schedule.time_zone)}"]
    parts.append(f"catch_up={literal(schedule.catch_up)}")
    if schedule.overlap != "allow":
        parts.append(f"overlap={literal(schedule.overlap)}")
    if schedule.jitter:
        parts.append(f"jitter={literal(schedule.jitter)}")
    if schedule.input:
        parts.append(f"input={literal(schedule.input)}")
    return f"Schedule({', '.join(parts)})"


@dataclass(frozen=True, slots=True)
class _Stages:
    """Writes stages, and inside of a stage those of its body."""

    module: Module
    plan: Plan
    classes: Classes
    functions: Mapping[str, str]
    items: Mapping[str, str]
    modules: Mapping[str, str]

    def of(self, owner: str) -> str:
        """Write the stages of a body; under the empty name, those of the pipeline itself."""
        texts = [self._one(stage) for stage in self.plan.stages if stage.owner == owner]
        return f"({', '.join(texts)},)" if texts else "()"

    def _one(self, stage: Stage) -> str:
        parts = _stage(self.module, stage, self.functions)
        elided = [each for each in self.plan.elided if each.same_as in stage.nodes]
        if elided:
            self.module.use("saltern_runtime", "Elided")
            parts.append(f"elided={tuple_of([_elided(each) for each in elided])}")
        match stage.ends:
            case Opens():
                parts.append(f"ends={self._opens(stage.ends, stage.name)}")
            case Sleeps():
                self.module.use("saltern_runtime", "Sleeps")
                parts.append("ends=Sleeps()")
            case Responds():
                self.module.use("saltern_runtime", "Responds")
                parts.append("ends=Responds()")
            case Awaits():
                parts.append(f"ends={self._awaits(stage.ends)}")
            case Calls() | Starts():
                parts.append(f"ends={self._other(stage.ends)}")
        return f"Stage({', '.join(parts)})"

    def _other(self, ends: Calls | Starts) -> str:
        kind = type(ends).__name__
        self.module.use("saltern_runtime", kind)
        known = f"{ends.part.upper()}_GRAPH"
        self.module.use(f"{part_package(self.plan, ends.part)}.graph", f"GRAPH as {known}")
        mapped = f", connections={literal(dict(ends.connections))}" if ends.connections else ""
        linked = ", linked=True" if isinstance(ends, Starts) and ends.linked else ""
        return f"{kind}({known}{mapped}{linked})"

    def _opens(self, opens: Opens, owner: str) -> str:
        self.module.use("saltern_runtime", "Opens")
        parts = [literal(self.items.get(opens.variable, "")), f"at_most={literal(opens.at_most)}"]
        if opens.on_error != "stop":
            parts.append(f"on_error={literal(opens.on_error)}")
        if opens.on_skip != "drop":
            parts.append(f"on_skip={literal(opens.on_skip)}")
        if opens.carries is not None:
            parts.append(f"carries={self._carries(opens.carries)}")
        if opens.gather:
            module, _, function = opens.gather.partition(":")
            self.module.use_module(module, self.modules[module])
            parts.append(f"gather={self.modules[module]}.{function}")
        parts += [f"result={literal(opens.result)}", f"stages={self.of(owner)}"]
        return f"Opens({', '.join(parts)})"

    def _awaits(self, awaits: Awaits) -> str:
        self.module.use("saltern_runtime", "Awaits")
        answer = self.classes.annotation(awaits.answer)
        for source, name in answer.imports:
            self.module.use(source, name)
        if answer.classes:
            self.module.use(f"{package_name(self.plan)}.models", *answer.classes)
        parts = [answer.text]
        if awaits.choices:
            parts.append(f"choices={tuple_of([literal(choice) for choice in awaits.choices])}")
        if awaits.default is not None:
            parts.append(f"default={literal(awaits.default)}")
        return f"Awaits({', '.join(parts)})"

    def _carries(self, carries: Carries) -> str:
        self.module.use("saltern_runtime", "Carries")
        parts = [f"nodes.{self.functions[carries.check]}", f"at_most={literal(carries.at_most)}"]
        if carries.within is not None:
            parts.append(f"within={literal(carries.within)}")
        if carries.on_limit != "fail":
            parts.append(f"on_limit={literal(carries.on_limit)}")
        return f"Carries({', '.join(parts)})"


def _stage(module: Module, stage: Stage, functions: Mapping[str, str]) -> list[str]:  # noqa: C901, PLR0912 - one line a property
    """Write a stage; what it leaves to the runtime's defaults is left out."""
    inner = {each.node: each for each in stage.inner}
    members = [f"nodes.{functions[node]}{_gate(inner.get(node))}" for node in stage.nodes]
    parts = [literal(stage.name), f"nodes={tuple_of(members)}"]
    if stage.again:
        parts.append(f"again={tuple_of([f'nodes.{functions[node]}' for node in stage.again])}")
    if stage.when or stage.inner:
        module.use("saltern_runtime", "On")
    if stage.when:
        parts.append(f"when={tuple_of(list(map(_on, stage.when)))}")
    if stage.compensates:
        parts.append(f"compensates={literal(stage.compensates)}")
    if stage.quorum:
        parts.append(f"quorum={literal(stage.quorum)}")
    elif stage.join != "all":
        parts.append(f"join={literal(stage.join)}")
    for name, names in (("after", stage.after), ("relay", stage.relay)):
        if names:
            parts.append(f"{name}={tuple_of([literal(member) for member in names])}")
    if stage.queue != _DEFAULT_QUEUE:
        parts.append(f"queue={literal(stage.queue)}")
    if stage.timeout != DEFAULT_POLICY.timeout:
        parts.append(f"timeout={literal(float(stage.timeout))}")
    if stage.retry != Retry():
        module.use("saltern_runtime", "Retry")
        parts.append(f"retry={_retry(stage.retry)}")
    if stage.priority != DEFAULT_POLICY.priority:
        parts.append(f"priority={literal(stage.priority)}")
    if stage.ttl is not None:
        parts.append(f"ttl={literal(float(stage.ttl))}")
    if stage.on_error != DEFAULT_POLICY.on_error:
        parts.append(f"on_error={literal(stage.on_error)}")
    if stage.on_ambiguous != DEFAULT_POLICY.on_ambiguous:
        parts.append(f"on_ambiguous={literal(stage.on_ambiguous)}")
    return parts


def _elided(elided: Elided) -> str:
    skipped = ", skipped=True" if elided.skipped else ""
    for name, nodes in (("needs", elided.needs), ("feeds", elided.feeds)):
        skipped += f", {name}={tuple_of([literal(node) for node in nodes])}" if nodes else ""
    skipped += f", made={literal(elided.made)}" if elided.made else ""
    like, by = f"like={literal(elided.same_as)}", f"by={literal(elided.by)}"
    because = f"because={string(elided.because)}"
    return f"Elided({literal(elided.node)}, {literal(elided.type)}, {like}, {by}, {because}{skipped})"


def _gate(inner: Inner | None) -> str:
    if inner is None:
        return ""
    join = "" if inner.join == "all" else f", join={literal(inner.join)}"
    return f".when({', '.join(map(_on, inner.when))}{join})"


def _on(edge: ControlEdge) -> str:
    return f"On({literal(edge.source)}, {literal(edge.handle)})"


def _retry(retry: Retry) -> str:
    default = Retry()
    parts = [f"attempts={literal(retry.attempts)}"]
    if retry.base != default.base:
        parts.append(f"base={literal(float(retry.base))}")
    if retry.cap != default.cap:
        parts.append(f"cap={literal(float(retry.cap))}")
    return f"Retry({', '.join(parts)})"
