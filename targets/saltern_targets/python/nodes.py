"""Prints nodes.py: one function a node, in the order data flows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from typing import Final

from saltern_compiler.ir.attempts import is_race, race_of
from saltern_compiler.ir.pipeline import RETURN
from saltern_compiler.ir.plan import Plan, PlannedNode
from saltern_compiler.ir.values import (
    Expression,
    ListValue,
    Literal,
    ObjectValue,
    TypeValue,
    Value,
    make_list,
    make_object,
)
from saltern_compiler.pytext import RESERVED, identifier, literal
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import ANY, BOOL, Emit, Param, Type, UnionType
from saltern_runtime.spec.names import AMBIENT, ELSE, FAILURE_TYPE, INPUT, RUN, RUN_TYPE, THEN, case_handle
from saltern_targets.names import IN_SCOPE, function_names, item_names, module_names, package_name
from saltern_targets.python.classes import Classes
from saltern_targets.python.values import Keyword, Values, tree_of
from saltern_targets.writing import Module, docstring, sentence, written_places

_SHOWN: Final = 60
"""Characters of an expression that a docstring repeats, at most."""


def emit_nodes(plan: Plan, classes: Classes) -> bytes:
    """Write the functions."""
    package = package_name(plan)
    module = Module(
        f"The nodes of the pipeline {sentence(plan.pipeline.name)[:-1]}, in the order data flows.",
        source_name=plan.source_name,
        package=package,
    )
    module.use("saltern_runtime", "node")
    functions, items = function_names(plan), item_names(plan)
    modules = module_names(planned.spec.call.partition(":")[0] for planned in plan.nodes if planned.spec.call)
    own = _own_modules(
        plan, {*functions.values(), *items.values(), *modules.values(), *classes.names.values(), *classes.aliases}
    )
    results = {planned.node.id: planned.result for planned in plan.nodes}
    writer = _Writer(plan, results, package, module, classes, functions, items, modules, own)
    for index, planned in enumerate(plan.nodes):
        if index:
            module.blank(2)
        writer.write(planned)
    return module.render()


def _own_modules(plan: Plan, taken: Set[str]) -> Mapping[str, str]:
    """Return each of the pipeline's own modules → the name it goes by in nodes.py."""
    names: dict[str, str] = {}
    for path, _ in plan.files:
        module = path.removesuffix(".py")
        is_free = module not in taken | IN_SCOPE | RESERVED
        names[module] = module if is_free else identifier(f"own_{module}", taken | set(names.values()))
    return names


@dataclass(frozen=True, slots=True)
class _Writer:
    plan: Plan
    results: Mapping[str, Type]
    """Node id → the type of its value."""
    package: str
    module: Module
    classes: Classes
    functions: Mapping[str, str]
    items: Mapping[str, str]
    modules: Mapping[str, str]
    own: Mapping[str, str]

    def write(self, planned: PlannedNode) -> None:
        """Write one function."""
        values = Values(self._names(planned), self.classes)
        body = _BODIES[planned.spec.emit](self, planned, values)
        takes_context = planned.spec.emit is Emit.CALL
        self.module.add(self._decorator(planned))
        self.module.add(self._signature(planned, values, takes_context=takes_context))
        label = self.plan.docs.get(planned.node.id)
        if label:
            self.module.add(docstring(label), indent=4)
        self.module.add("\n".join(body), indent=4)
        for source, name in values.imports:
            self.module.use(source, name)
        if values.used_classes:
            self.module.use(f"{self.package}.models", *values.used_classes)
        if takes_context:
            self.module.use("saltern_runtime", "Context")

    def _names(self, planned: PlannedNode) -> Mapping[str, Keyword]:
        keywords = {name: Keyword(self.items[name], of, may_be_skipped=False) for name, of in planned.items}
        for name in planned.reads:
            if name == INPUT:
                keywords[name] = Keyword(INPUT, self.plan.input_type, may_be_skipped=False)
            elif name == RUN:
                keywords[name] = Keyword(RUN, RUN_TYPE, may_be_skipped=False)
            else:
                skipped = name in planned.may_be_skipped
                keywords[name] = Keyword(self.functions[name], self.results[name], may_be_skipped=skipped)
        return keywords

    def _decorator(self, planned: PlannedNode) -> str:
        node = planned.node
        connection = f", connection={literal(node.connection)}" if node.connection else ""
        of = node.control[0].source if planned.spec.emit is Emit.ERROR else None
        failed = "" if of is None else f", of={literal(of)}"
        kept = "" if planned.policy.cache is None else f", cache={literal(float(planned.policy.cache))}"
        shown = {"personal": planned.personal, "personal_items": planned.personal_items}
        marks = "".join(f", {name}={written_places(places)}" for name, places in shown.items() if places)
        return (
            f"@node({literal(node.id)}, type={literal(f'{node.type}@{node.version}')}{connection}{failed}{kept}{marks})"
        )

    def _signature(self, planned: PlannedNode, values: Values, *, takes_context: bool) -> str:
        keywords = [f"{name.text}: {self._annotation(source, name, values)}" for source, name in self._ordered(values)]
        if planned.spec.emit is Emit.ERROR:
            keywords.append(f"failure: {values.annotation(FAILURE_TYPE)}")
        params = (["ctx: Context"] if takes_context else []) + (["*", *keywords] if keywords else [])
        return f"def {self.functions[planned.node.id]}({', '.join(params)}) -> {self._result(planned, values)}:"

    def _ordered(self, values: Values) -> list[tuple[str, Keyword]]:
        return sorted(values.names.items(), key=lambda pair: (pair[0] not in AMBIENT, pair[0]))

    def _annotation(self, source: str, name: Keyword, values: Values) -> str:
        if source == RUN:
            values.imports.add(("saltern_runtime", "RunInfo"))
            return "RunInfo"
        if source == "input":
            return self._root("Input", self.plan.input_type, values)
        text = values.annotation(name.type)
        if not name.may_be_skipped:
            return text
        values.imports.add(("saltern_runtime", "Skipped"))
        return f"{text} | Skipped"

    def _result(self, planned: PlannedNode, values: Values) -> str:
        if planned.spec.awaits is not None:
            values.imports.add(("saltern_runtime", "Ask"))
            return "Ask"
        if planned.node.id == RETURN:
            return self._root("Output", self.plan.output_type, values)
        return values.annotation(planned.returns)

    def _root(self, name: str, of: Type, values: Values) -> str:
        if name in self.classes.aliases:
            values.used_classes.add(name)
            return name
        return values.annotation(of)

    def call(self, planned: PlannedNode, values: Values) -> list[str]:
        """`return module.function(ctx, name=value, ...)`."""
        spec, node = planned.spec, planned.node
        module, _, function = spec.call.partition(":")
        name = self.modules[module]
        self.module.use_module(module, name)
        arguments = ["ctx"]
        for param in spec.params:
            value = node.param(param.name)
            if value is not None and param.passed:
                arguments.append(f"{param.name}={self._argument(planned, param, value, values)}")
        brings = bool(spec.model_of(planned.result)) and not any(
            isinstance(value, TypeValue) for _, value in node.params
        )
        if spec.result_param and not brings:
            arguments.append(f"{spec.result_param}={values.annotation(planned.result)}")
        called = f"{name}.{function}"
        if planned.policy.cache is not None:
            called = f"ctx.cached({called})"
        return [f"return {called}({', '.join(arguments)})"]

    def _argument(self, planned: PlannedNode, param: Param, value: Value, values: Values) -> str:
        if planned.spec.imports_param == param.name and isinstance(value, Literal):
            module, _, name = str(value.value).partition(":")
            known = self.own[module]
            self.module.use(self.package, module if known == module else f"{module} as {known}")
            return f"{known}.{name}"
        if planned.spec.imports_param and isinstance(value, ObjectValue):
            return values.arguments(value)
        if param.is_type and isinstance(value, TypeValue):
            return values.annotation(value.type)
        return values.write(value, param.type, param.place)

    def value(self, planned: PlannedNode, values: Values) -> list[str]:
        """`return <the one parameter that is given and passed>`."""
        bound = next(
            value
            for param in planned.spec.params
            if param.passed and (value := planned.node.param(param.name)) is not None
        )
        return values.returned(bound, self.plan.output_type if planned.node.id == RETURN else planned.returns)

    def if_(self, planned: PlannedNode, values: Values) -> list[str]:
        """`return "then" if condition else "else"`."""
        condition = planned.node.param("condition")
        assert condition is not None, "checks refuse a missing parameter"
        text = values.write(condition, BOOL)
        return [f'return "{THEN}" if {text} else "{ELSE}"']

    def switch(self, planned: PlannedNode, values: Values) -> list[str]:
        """`match` over the cases."""
        value, cases = planned.node.param("value"), planned.node.param("cases")
        assert value is not None, "checks refuse a missing parameter"
        assert isinstance(cases, Literal), "checks refuse cases that are not literal"
        lines = [f"match {values.write(value)}:"]
        mixed = any(type(case) is int and case in (0, 1) for case in cases.value) and _may_be_bool(value)
        for case in sorted(cases.value, key=lambda value: not isinstance(value, bool)) if mixed else cases.value:
            if mixed and not isinstance(case, bool):  # in Python, `case 1` takes True too
                lines += ["    case bool():", f'        return "{ELSE}"']
                mixed = False
            lines += [f"    case {literal(case)}:", f"        return {literal(case_handle(case))}"]
        return [*lines, "    case _:", f'        return "{ELSE}"']

    def input(self, planned: PlannedNode, values: Values) -> list[str]:
        """`return [Input(...)]`: what another pipeline is called with; started, `return Input(...)`."""
        passed = {param.name for param in planned.spec.params if param.passed}
        given = make_object({name: value for name, value in planned.node.params if name in passed})
        return values.returned(given if planned.spec.detached else make_list([given]), planned.returns)

    def merge(self, planned: PlannedNode, values: Values) -> list[str]:
        """Return the first value, in written order, that was not skipped."""
        bound = planned.node.param("values")
        assert isinstance(bound, ListValue | Literal), "checks refuse anything but a list"
        items = bound.items if isinstance(bound, ListValue) else tuple(Literal(item) for item in bound.value)
        return values.first_of(items, planned.result)

    def error(self, planned: PlannedNode, values: Values) -> list[str]:  # noqa: ARG002 - as the others
        """`return failure`, as the only item of a region."""
        return ["return failure" if planned.spec.region is None else "return [failure]"]

    def once(self, planned: PlannedNode, values: Values) -> list[str]:  # noqa: ARG002 - as the others
        """`return [None]`."""
        return ["return [None]"]

    def join(self, planned: PlannedNode, values: Values) -> list[str]:
        """Return the values of all arms, or of those that decided a race."""
        bound = planned.node.param("values")
        assert isinstance(bound, ObjectValue), "both notations write it"
        if not is_race(planned.node):
            return values.returned(bound, planned.returns)
        values.imports.add(("saltern_runtime.errors", "PermanentError"))
        message = f"too few arms of {planned.node.id} succeeded"
        _, quorum = race_of(planned.node)
        return values.winners(bound.fields, planned.returns, message, quorum)

    def either(self, planned: PlannedNode, values: Values) -> list[str]:
        """Return the first value, in written order, that was not skipped: one of them is there."""
        bound = planned.node.param("values")
        assert isinstance(bound, ListValue), "both notations write it"
        return values.either_of(bound.items, planned.result)


def _may_be_bool(value: Value) -> bool:
    """Whether what a switch looks at may be true or false beside anything else."""
    if not isinstance(value, Expression):
        return False
    of = tree_of(value).type
    return any(member in (ANY, BOOL) for member in (of.members if isinstance(of, UnionType) else (of,)))


_BODIES: Final[Mapping[Emit, Callable[[_Writer, PlannedNode, Values], list[str]]]] = {
    Emit.CALL: _Writer.call,
    Emit.VALUE: _Writer.value,
    Emit.IF: _Writer.if_,
    Emit.SWITCH: _Writer.switch,
    Emit.MERGE: _Writer.merge,
    Emit.ERROR: _Writer.error,
    Emit.ONCE: _Writer.once,
    Emit.EITHER: _Writer.either,
    Emit.JOIN: _Writer.join,
    Emit.INPUT: _Writer.input,
}
