"""Writes a pipeline in the language, with what its author says about it as comments."""

from __future__ import annotations

from dataclasses import replace

from lark.exceptions import UnexpectedInput

from saltern_compiler.expr.ast import Const
from saltern_compiler.expr.literals import show_string
from saltern_compiler.expr.refused import TooDeepError
from saltern_compiler.expr.show import show
from saltern_compiler.frontend.language.format import set_text
from saltern_compiler.frontend.language.print_sections import SectionWriter, policy_lines, text_of
from saltern_compiler.frontend.language.print_values import IDENTIFIER
from saltern_compiler.frontend.notation import UnwritableError
from saltern_compiler.frontend.remarks import BEFORE, BESIDE, END, INSIDE, NODE, Orders, Remarks
from saltern_compiler.frontend.statements import BRANCHES, Nesting, Statement, cases, else_name
from saltern_compiler.ir.attempts import ATTEMPT, CATCH, PARALLEL, TRY, VALUES, is_part, parts
from saltern_compiler.ir.pipeline import (
    CHECK,
    ERROR_TYPE,
    RESULT_TYPES,
    RETURN,
    ControlEdge,
    Node,
    Pipeline,
    Region,
    called_by,
)
from saltern_compiler.ir.values import Literal, ObjectValue, Value
from saltern_compiler.registry import Registry
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Policy
from saltern_runtime.spec.names import COMPENSATE, ELSE, ERROR, THEN, case_handle

FOREACH = "foreach"
WHILE = "while"


def _unwritable(name: str) -> UnwritableError:
    return UnwritableError(f"the language cannot say `{name}`")


def print_language(pipeline: Pipeline, remarks: Remarks, orders: Orders, registry: Registry) -> str:
    """Write a pipeline; raises `UnwritableError` for one that is wrong in ways that the language has no words for."""
    writer = _Writer(pipeline, remarks, orders, registry)
    text = writer.text()
    if remarks.by_key.keys() - remarks.used:
        anchors = {
            NODE + node.id
            for node in pipeline.body.walk()
            if node.type not in (CHECK, COMPENSATE) and not is_part(node)
        }
        text = _Writer(pipeline, remarks.moved(anchors), orders, registry).text()
    try:
        return set_text(text, airy=True)
    except (UnexpectedInput, TooDeepError) as error:
        raise _unwritable(pipeline.name) from error


@dataclass(slots=True)
class _Writer(SectionWriter):
    def text(self) -> str:
        self.sections()
        self._region(self.pipeline.body)
        ends = self.remarks.lines(END)
        self.lines += ["", *ends] if ends else []
        return "\n".join(self.lines) + "\n"

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
        self.lines += [*policy_lines(node.policy), *(["@disabled"] if node.disabled else [])]
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
        head = f"{node.id} = {_operation(node)}"
        head += f"({node.connection})" if node.connection else ""
        params = {name: values.value(value) for name, value in node.params}
        *lines, last = self._braces(anchor, head + _clauses(of), params)
        if node.mapping:
            last += " with { " + ", ".join(f"{name}: {given}" for name, given in node.mapping) + " }"
        if node.body is None:
            self.lines += [*lines, last + self.remarks.beside(anchor)]
            self._compensation(of, anchor)
            self._handler(of, anchor)
            return
        names = " ".join(["do", ", ".join(node.body.variables)]).rstrip()
        self.lines += [*lines, f"{last} {names} {{" + self.remarks.beside(anchor)]
        self._region(node.body)
        self.lines += [*self.remarks.lines(anchor, "body", INSIDE), "}"]
        self._handler(of, anchor)

    def _compensation(self, of: Statement, anchor: str) -> None:
        """Write what takes back what the node did."""
        bodies = [each.node.body for each in of.blocks.get(COMPENSATE, ()) if each.node.body is not None]
        if not bodies and not self._has_arm_remarks(anchor, COMPENSATE):
            return
        beside = self.remarks.beside(anchor, COMPENSATE)
        self.lines += [*self.remarks.lines(anchor, COMPENSATE), "compensate {" + beside]
        for body in bodies:
            self._region(body)
        self.lines += [*self.remarks.lines(anchor, COMPENSATE, INSIDE), "}"]

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
            head += f", on error {text_of(params['on_error'])}"
        self.lines += self._notes_of_params(anchor)
        self.lines.append(f"{head}{_clauses(of)} {{" + self.remarks.beside(anchor))
        self._region(body)
        self.lines += [*self.remarks.lines(anchor, "body", INSIDE), "}"]
        self._handler(of, anchor)

    def _try(self, of: Statement, anchor: str) -> None:
        node = of.node
        attempt, catch = self._parts(of)
        assert attempt.body is not None, "the parts of a try have bodies"
        assert catch.body is not None, "the parts of a try have bodies"
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
        mode = "" if "join" not in params else f", join {text_of(params['join'])}"
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
        params = self._only(node, "state", "type", "at_most", "within", "on_limit", optional=True)
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
        if "within" in params:
            head += f", within {values.value(params['within'])}"
        if "on_limit" in params:
            head += f", on limit {text_of(params['on_limit'])}"
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


def _operation(node: Node) -> str:
    called = called_by(node)
    if called and node.version == 1 and IDENTIFIER.fullmatch(called):
        return node.type.replace(".", " ", 1)
    return node.type + ("" if node.version == 1 else f"@{node.version}")


def _members(value: Value) -> dict[str, Value]:
    if isinstance(value, ObjectValue):
        return dict(value.fields)
    if isinstance(value, Literal) and isinstance(value.value, dict):
        return {name: Literal(member) for name, member in value.value.items()}
    return {}


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
