"""Writes a pipeline in the language, with what its author says about it as comments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lark.exceptions import UnexpectedInput

from saltern_compiler.expr.ast import Const
from saltern_compiler.expr.literals import show_string
from saltern_compiler.expr.parse import TooDeepError
from saltern_compiler.expr.show import show
from saltern_compiler.frontend.durations import show_duration
from saltern_compiler.frontend.language.format import set_text
from saltern_compiler.frontend.language.print_values import IDENTIFIER, ValueWriter, key, template
from saltern_compiler.frontend.notation import UnwritableError
from saltern_compiler.frontend.remarks import BEFORE, BESIDE, END, INSIDE, NODE, START, Orders, Remarks, in_order
from saltern_compiler.frontend.statements import BRANCHES, Nesting, Statement, cases, else_name
from saltern_compiler.ir.attempts import ATTEMPT, CATCH, PARALLEL, TRY, VALUES, is_part, parts
from saltern_compiler.ir.pipeline import (
    CHECK,
    ERROR_TYPE,
    RESULT_TYPES,
    RETURN,
    Connection,
    ControlEdge,
    Node,
    Pipeline,
    Region,
    Trigger,
)
from saltern_compiler.ir.values import Literal, ObjectValue, Value
from saltern_compiler.registry import Registry
from saltern_runtime.spec import ObjectType, Policy, Retry
from saltern_runtime.spec.names import ELSE, ERROR, THEN, case_handle

FOREACH = "foreach"
WHILE = "while"
MANY = 3
"""More entries than these stand on lines of their own."""


def _unwritable(name: str) -> UnwritableError:
    return UnwritableError(f"the language cannot say `{name}`")


def print_language(pipeline: Pipeline, remarks: Remarks, orders: Orders, registry: Registry) -> str:
    """Write a pipeline; raises `UnwritableError` for one that is wrong in ways that the language has no words for."""
    writer = _Writer(pipeline, remarks, orders, registry)
    text = writer.text()
    if remarks.by_key.keys() - remarks.used:
        anchors = {NODE + node.id for node in pipeline.body.walk() if node.type != CHECK and not is_part(node)}
        text = _Writer(pipeline, remarks.moved(anchors), orders, registry).text()
    try:
        return set_text(text, airy=True)
    except (UnexpectedInput, TooDeepError) as error:
        raise _unwritable(pipeline.name) from error


@dataclass(slots=True)
class _Writer:
    pipeline: Pipeline
    remarks: Remarks
    orders: Orders
    registry: Registry
    lines: list[str] = field(default_factory=list)

    def text(self) -> str:
        self._sections()
        self._region(self.pipeline.body)
        ends = self.remarks.lines(END)
        self.lines += ["", *ends] if ends else []
        return "\n".join(self.lines) + "\n"

    # sections

    def _sections(self) -> None:
        of = self.pipeline
        name = of.name if IDENTIFIER.fullmatch(of.name) else show_string(of.name)
        self._section(START, [*_policy(of.policy), f"pipeline {name}"])
        if of.description:
            text = template([of.description]) if "\n" in of.description else show_string(of.description)
            self._section("description", [f"description {text}"], gap=True)
        if of.input.fields or of.input.open or self._has_remarks("input"):
            self._section("input", self._types("input", of.input), gap=True)
        if of.output is not None:
            self._section("output", self._types("output", of.output))
        if of.settings:
            settings = {setting: show_duration(length) for setting, length in of.settings}
            self._section("settings", self._braces("settings", "settings", settings), gap=True)
        for number, secret in enumerate(of.secrets):
            self._section(
                f"secret {secret.name}", [f"secret {secret.name} = {_source(secret.reference)}"], gap=number == 0
            )
        for number, connection in enumerate(of.connections):
            self._connection(connection, gap=number == 0 and not of.secrets)
        for number, trigger in enumerate(of.triggers):
            self._trigger(number, trigger)
        self.lines.append("")

    def _has_remarks(self, anchor: str) -> bool:
        """Tell whether a section without entries has a remark that can stand there; one about an entry has lost its place."""
        places = [self.remarks.lines(anchor, "", where) for where in (BEFORE, BESIDE, INSIDE)]
        return any(places)

    def _section(self, anchor: str, lines: Sequence[str], *, gap: bool = False) -> None:
        self.lines += [""] if gap else []
        self.lines += self.remarks.lines(anchor)
        self.lines += [*lines[:-1], lines[-1] + self.remarks.beside(anchor)]

    def _types(self, word: str, of: ObjectType) -> list[str]:
        values = self._values(secrets=True)
        names = in_order([field.name for field in of.fields], self.orders)
        fields = dict(zip(names, values.fields(of), strict=False))
        types = {name: text.removeprefix(key(name)) for name, text in fields.items()}
        entries = [self._entry(word, name, key(name) + text) for name, text in types.items()]
        return self._closed(word, word, [*entries, *([["..."]] if of.open else [])])

    def _connection(self, of: Connection, *, gap: bool) -> None:
        values = self._values(secrets=True)
        settings = {name: values.value(value) for name, value in of.settings}
        anchor = f"connection {of.name}"
        head = f"connection {of.name} = {of.connector}"
        self._section(anchor, [*_policy(of.policy), *self._braces(anchor, head, settings)], gap=gap)

    def _trigger(self, number: int, of: Trigger) -> None:
        values = self._values(secrets=True)
        settings: dict[str, str] = {}
        head = f"on {of.type}"
        first = PATHS.get(of.type, "path")
        for name, value in of.settings:
            text = _text(value)
            if name == first and text is not None:
                head += f" {show_string(text)}"
            elif name in WORDS and text is not None and IDENTIFIER.fullmatch(text):
                settings[name] = text
            else:
                settings[name] = values.value(value)
        anchor = f"trigger {number}"
        self._section(anchor, self._braces(anchor, head, settings, bare=True), gap=number == 0)

    def _values(self, *, secrets: bool = False) -> ValueWriter:
        def inline(name: str) -> str:
            secret = self.pipeline.secret(name)
            return name if secret is None else _source(secret.reference)

        return ValueWriter(self.orders, str if secrets else inline)

    # what stands in braces

    def _entry(self, anchor: str, name: str, text: str) -> list[str]:
        if not name:
            return [f"{text},"]
        return [*self.remarks.lines(anchor, name), f"{text}," + self.remarks.beside(anchor, name)]

    def _braces(self, anchor: str, head: str, params: dict[str, str], *, bare: bool = False) -> list[str]:
        """Write `head { params }`; a `bare` head needs no braces."""
        names = in_order(list(params), self.orders)
        entries = [self._entry(anchor, name, f"{key(name)}: {params[name]}") for name in names]
        if bare and not entries and not self.remarks.lines(anchor, "", INSIDE):
            return [head]
        return self._closed(anchor, head, entries)

    def _closed(self, anchor: str, head: str, entries: Sequence[list[str]]) -> list[str]:
        inside = self.remarks.lines(anchor, "", INSIDE)
        if len(entries) > MANY or inside or any(len(entry) > 1 for entry in entries):
            return [head + " {", *(line for entry in entries for line in entry), *inside, "}"]
        flat = [line for entry in entries for line in entry]
        return ["\n".join([f"{head} {{ " + flat[0], *flat[1:], "}"])] if flat else [head + " {}"]

    # statements

    def _region(self, region: Region) -> None:
        for statement in Nesting(region, self.registry).statements:
            if statement.node.type != CHECK:
                self._statement(statement)

    def _statement(self, of: Statement) -> None:
        node = of.node
        anchor = NODE + node.id
        self.lines += self.remarks.lines(anchor)
        if node.label:
            self.lines.append(f"@label({show_string(node.label)})")
        self.lines += [*_policy(node.policy), *(["@disabled"] if node.disabled else [])]
        if node.type in BRANCHES:
            self._branch(of, anchor)
        elif node.type == FOREACH and node.body is not None:
            self._foreach(of, node.body, anchor)
        elif node.type == WHILE and node.body is not None:
            self._while(of, node.body, anchor)
        elif node.type == TRY:
            self._try(of, anchor)
        elif node.type == PARALLEL:
            self._parallel(of, anchor)
        elif node.type in RESULT_TYPES:
            self._result(of, anchor)
        else:
            self._node(of, anchor)

    def _node(self, of: Statement, anchor: str) -> None:
        node = of.node
        values = self._values()
        head = f"{node.id} = {node.type}" + ("" if node.version == 1 else f"@{node.version}")
        head += f"({node.connection})" if node.connection else ""
        params = {name: values.value(value) for name, value in node.params}
        *lines, last = self._braces(anchor, head + _clauses(of), params)
        if node.body is None:
            self.lines += [*lines, last + self.remarks.beside(anchor)]
            self._handler(of, anchor)
            return
        names = " ".join(["do", ", ".join(node.body.variables)]).rstrip()
        self.lines += [*lines, f"{last} {names} {{" + self.remarks.beside(anchor)]
        self._region(node.body)
        self.lines += [*self.remarks.lines(anchor, "body", INSIDE), "}"]
        self._handler(of, anchor)

    def _handler(self, of: Statement, anchor: str) -> None:
        """Write what runs where the node has failed."""
        block = of.blocks.get(ERROR, [])
        if not block and not self._has_arm_remarks(anchor, ERROR):
            return
        names = [each for each in block if each.node.type == ERROR_TYPE and self._is_bare(each.node)]
        name = f"{names[0].node.id} " if names else ""
        self.lines += [*self.remarks.lines(anchor, ERROR), f"on error {name}{{" + self.remarks.beside(anchor, ERROR)]
        for statement in block:
            if not names or statement is not names[0]:
                self._statement(statement)
        self.lines += [*self.remarks.lines(anchor, ERROR, INSIDE), "}"]

    def _is_bare(self, node: Node) -> bool:
        """Whether a node says nothing but its name and what it hangs on."""
        plain = Node(node.id, node.type, control=node.control)
        return not node.label and plain == node and not self._has_own_remarks(NODE + node.id)

    def _result(self, of: Statement, anchor: str) -> None:
        node = of.node
        value = self._only(node, "value")["value"]
        if node.type == RETURN and node.id != RETURN:
            raise _unwritable(node.id)
        members = _members(value)
        if members:
            values = self._values()
            entries = {name: values.value(member) for name, member in members.items()}
            *lines, last = self._braces(anchor, node.type, entries)
            self.lines += [*lines, last + _clauses(of) + self.remarks.beside(anchor)]
            return
        self.lines += self._notes_of_params(anchor)
        text = self._values().value(value)
        self.lines.append(f"{node.type} {text}{_clauses(of)}" + self.remarks.beside(anchor))

    def _notes_of_params(self, anchor: str) -> list[str]:
        """Return remarks about entries where the statement is too small to have a place for them."""
        return [line for part in ("value", "condition", "items", "state") for line in self.remarks.lines(anchor, part)]

    def _branch(self, of: Statement, anchor: str) -> None:
        node = of.node
        if node.type == "if":
            subject = self._values().operand(self._only(node, "condition")["condition"])
        else:
            subject = self._values().value(self._only(node, "value", "cases")["value"])
        self.lines += self._notes_of_params(anchor)
        beside = self.remarks.beside(anchor) or (self.remarks.beside(anchor, THEN) if node.type == "if" else "")
        self.lines.append(f"{node.id} = {node.type} {subject}{_clauses(of)} {{" + beside)
        if node.type == "if":
            self._if_blocks(of, anchor)
            return
        shared = {handle for handles in of.shared.values() for handle in handles}
        literals = {case_handle(case): show(Const(case)) for case in cases(node)}
        for handle, literal in literals.items():
            if handle in of.shared:
                self._arm(of, anchor, handle, ", ".join(literals[each] for each in of.shared[handle]))
            elif handle not in shared:
                self._arm(of, anchor, handle, literal)
        if of.blocks.get(ELSE) or self._has_arm_remarks(anchor, ELSE):
            self._arm(of, anchor, ELSE, ELSE)
        self.lines += [*self.remarks.lines(anchor, "", INSIDE), "}"]

    def _if_blocks(self, of: Statement, anchor: str) -> None:
        self._block(of, anchor, THEN)
        behind = self._else_if(of)
        if behind is not None:
            self.lines += self.remarks.lines(anchor, ELSE)
            subject = self._values().operand(self._only(behind.node, "condition")["condition"])
            inner = NODE + behind.node.id
            beside = self.remarks.beside(anchor, ELSE) or self.remarks.beside(inner, THEN)
            self.lines.append(f"}} else if {subject} {{" + beside)
            self._if_blocks(behind, inner)
            return
        if of.blocks.get(ELSE) or self._has_arm_remarks(anchor, ELSE):
            self.lines += [*self.remarks.lines(anchor, ELSE), "} else {" + self.remarks.beside(anchor, ELSE)]
            self._block(of, anchor, ELSE)
        self.lines.append("}")

    def _else_if(self, of: Statement) -> Statement | None:
        """Return the branch that is all that stands behind an `else`, where `else if` says all of it."""
        block = of.blocks.get(ELSE, [])
        if len(block) != 1 or self._has_arm_remarks(NODE + of.node.id, ELSE):
            return None
        node = block[0].node
        is_bare = not node.label and replace(node, policy=Policy(), disabled=False, after=(), join="all") == node
        if node.type != "if" or node.id != else_name(of.node.id) or not is_bare:
            return None
        return None if self._has_own_remarks(NODE + node.id) else block[0]

    def _has_own_remarks(self, anchor: str) -> bool:
        return any(key[0] == anchor and key[1] not in (THEN, ELSE) for key in self.remarks.by_key)

    def _has_arm_remarks(self, anchor: str, handle: str) -> bool:
        return any((anchor, handle, where) in self.remarks.by_key for where in (BEFORE, INSIDE, BESIDE))

    def _arm(self, of: Statement, anchor: str, handle: str, literal: str) -> None:
        self.lines += self.remarks.lines(anchor, handle)
        beside = self.remarks.beside(anchor, handle)
        if not of.blocks.get(handle) and not beside and not self.remarks.lines(anchor, handle, INSIDE):
            self.lines.append(f"{literal} => {{}}")
            return
        self.lines.append(f"{literal} => {{" + beside)
        self._block(of, anchor, handle)
        self.lines.append("}")

    def _block(self, of: Statement, anchor: str, handle: str) -> None:
        for statement in of.blocks.get(handle, ()):
            self._statement(statement)
        self.lines += self.remarks.lines(anchor, handle, INSIDE)

    def _foreach(self, of: Statement, body: Region, anchor: str) -> None:
        node = of.node
        params = self._only(node, "items", "at_most", "on_error", optional=True)
        if len(body.variables) != 1 or "items" not in params:
            raise _unwritable(node.id)
        head = f"{node.id} = foreach {body.variables[0]} in {self._values().operand(params['items'])}"
        if "at_most" in params:
            head += f", at most {self._values().value(params['at_most'])}"
        if "on_error" in params:
            head += f", on error {_text(params['on_error'])}"
        self.lines += self._notes_of_params(anchor)
        self.lines.append(f"{head}{_clauses(of)} {{" + self.remarks.beside(anchor))
        self._region(body)
        self.lines += [*self.remarks.lines(anchor, "body", INSIDE), "}"]
        self._handler(of, anchor)

    def _try(self, of: Statement, anchor: str) -> None:
        node = of.node
        attempt, catch = self._parts(of)
        assert attempt.body is not None, "the parts of a try have bodies"
        assert catch.body is not None, "as above"
        beside = self.remarks.beside(anchor) or self.remarks.beside(anchor, ATTEMPT)
        self.lines.append(f"{node.id} = try{_clauses(of)} {{" + beside)
        self._region(attempt.body)
        name = " ".join(["catch", *catch.body.variables])
        inside = self.remarks.lines(anchor, ATTEMPT, INSIDE)
        self.lines += [
            *inside,
            *self.remarks.lines(anchor, CATCH),
            f"}} {name} {{" + self.remarks.beside(anchor, CATCH),
        ]
        self._region(catch.body)
        self.lines += [*self.remarks.lines(anchor, CATCH, INSIDE), "}"]

    def _parallel(self, of: Statement, anchor: str) -> None:
        node = of.node
        arms = self._parts(of)
        params = self._only(node, "join", "quorum", VALUES, optional=True)
        mode = "" if "join" not in params else f", join {_text(params['join'])}"
        mode += f" {self._values().value(params['quorum'])}" if "quorum" in params else ""
        if "quorum" in params and "join" not in params:
            raise _unwritable(node.id)
        self.lines.append(f"{node.id} = parallel{mode}{_clauses(of)} {{" + self.remarks.beside(anchor))
        for arm in arms:
            name = arm.id.rpartition("/")[2]
            assert arm.body is not None, "arms have bodies"
            self.lines += [*self.remarks.lines(anchor, name), f"{name} => {{" + self.remarks.beside(anchor, name)]
            self._region(arm.body)
            self.lines += [*self.remarks.lines(anchor, name, INSIDE), "}"]
        self.lines += [*self.remarks.lines(anchor, "", INSIDE), "}"]

    def _parts(self, of: Statement) -> tuple[Node, ...]:
        """Return the parts of a `try` or a `parallel`, as a notation makes them."""
        nodes = (each.node for block in of.blocks.values() for each in block if is_part(each.node))
        found = parts(of.node, Region((of.node, *sorted(nodes, key=lambda node: node.id))))
        if found is None or of.node.version != 1 or of.node.connection is not None:
            raise _unwritable(of.node.id)
        return found

    def _while(self, of: Statement, body: Region, anchor: str) -> None:
        node = of.node
        params = self._only(node, "state", "type", "at_most", "on_limit", optional=True)
        asked = body.node(f"{node.id}/{CHECK}")
        if len(body.variables) != 1 or "state" not in params or asked is None:
            raise _unwritable(node.id)
        values = self._values()
        head = f"{node.id} = while {body.variables[0]}"
        if "type" in params:
            head += f": {values.value(params['type']).removeprefix('type ')}"
        head += f" = {values.value(params['state'])}, {values.operand(self._only(asked, 'value')['value'])}"
        if "at_most" in params:
            head += f", at most {values.value(params['at_most'])}"
        if "on_limit" in params:
            head += f", on limit {_text(params['on_limit'])}"
        self.lines += self._notes_of_params(anchor)
        self.lines.append(f"{head}{_clauses(of)} {{" + self.remarks.beside(anchor))
        self._region(body)
        self.lines += [*self.remarks.lines(anchor, "body", INSIDE), "}"]
        self._handler(of, anchor)

    def _only(self, node: Node, *names: str, optional: bool = False) -> dict[str, Value]:
        """Return the parameters of a node that has these and no others, no version and no connection."""
        params = dict(node.params)
        unfit = params.keys() - set(names) if optional else params.keys() ^ set(names)
        if unfit or node.version != 1 or node.connection is not None:
            raise _unwritable(node.id)
        return params


PATHS = {"schedule": "cron"}
"""The setting of a trigger that stands behind its name; `path` for all others."""
WORDS = frozenset({"signature", "catch_up"})
"""Settings of triggers whose values are words."""


def _members(value: Value) -> dict[str, Value]:
    if isinstance(value, ObjectValue):
        return dict(value.fields)
    if isinstance(value, Literal) and isinstance(value.value, dict):
        return {name: Literal(member) for name, member in value.value.items()}
    return {}


def _text(value: Value) -> str | None:
    return value.value if isinstance(value, Literal) and isinstance(value.value, str) else None


def _source(reference: str) -> str:
    kind, _, name = reference.partition(":")
    return f"env({show_string(name)})" if kind == "env" else show_string(reference)


def _clauses(of: Statement) -> str:
    node = of.node
    clauses = f" after {', '.join(node.after)}" if node.after else ""
    if of.is_nested or not node.control:
        return clauses + (" join any" if node.join == "any" and len(node.control) < 2 else "")
    handles = ", ".join(_handle(edge) for edge in node.control)
    if len(node.control) == 1:
        return f"{clauses} when {handles}" + (" join any" if node.join == "any" else "")
    return f"{clauses} when {node.join}({handles})"


def _handle(edge: ControlEdge) -> str:
    first, dot, rest = edge.handle.partition(".")
    parts = [first, rest] if dot and IDENTIFIER.fullmatch(first) else [edge.handle]
    return ".".join([edge.source, *(part if IDENTIFIER.fullmatch(part) else show_string(part) for part in parts)])


def _policy(policy: Policy) -> list[str]:
    decorators: list[str] = []
    if policy.timeout is not None:
        decorators.append(f"@timeout({show_duration(policy.timeout)})")
    if policy.retry is not None:
        decorators.append(f"@retry({_retry(policy.retry)})")
    if policy.priority is not None:
        decorators.append(f"@priority({policy.priority})")
    if policy.ttl is not None:
        decorators.append(f"@ttl({show_duration(policy.ttl)})")
    if policy.on_error is not None:
        decorators.append(f"@on_error({policy.on_error})")
    if policy.on_ambiguous is not None:
        decorators.append(f"@on_ambiguous({policy.on_ambiguous})")
    return decorators


def _retry(retry: Retry) -> str:
    default = Retry()
    arguments = [str(retry.attempts)]
    arguments += [f"base: {show_duration(retry.base)}"] if retry.base != default.base else []
    arguments += [f"cap: {show_duration(retry.cap)}"] if retry.cap != default.cap else []
    return ", ".join(arguments)
