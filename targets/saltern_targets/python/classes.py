"""The Python types of a pipeline's values: which class stands for which object type, and how annotations are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Final, TypeAlias

from saltern_compiler.ir.pipeline import RETURN, Region
from saltern_compiler.ir.plan import Plan, PlannedNode
from saltern_compiler.ir.values import TypeValue
from saltern_compiler.pytext import class_name, literal
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import (
    ANY,
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    FILE,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    ListType,
    LiteralType,
    MapType,
    ObjectType,
    Primitive,
    Type,
    UnionType,
)
from saltern_targets.names import function_names, item_names

_OUTPUT_DOC: Final = "What a run returns."
_RESERVED: Final = frozenset(
    {
        "SKIPPED", "Annotated", "Any", "Ask", "Assumes", "Awaits", "BaseModel", "Bool", "Calls", "Carries", "Concurrency", "ConfigDict", "Connection", "Context", "Double",
        "Elided", "Exact", "Field", "File", "Graph", "Input", "Int", "Limits", "Literal", "Maybe", "Model", "Node", "On", "Opens", "Output", "Responds", "Retry",
        "RunInfo", "Schedule", "Skipped", "Sleeps", "Stage", "Starts", "TypeAlias",
    }
)  # fmt: skip
"""Names that generated modules import beside classes of their own: all that `saltern_runtime` offers among them."""
_PRIMITIVES: Final[Mapping[Primitive, tuple[str, tuple[tuple[str, str], ...]]]] = {
    ANY: ("Any", (("typing", "Any"),)),
    NULL: ("None", ()),
    BOOL: ("bool", ()),
    INT: ("int", ()),
    DOUBLE: ("float", ()),
    STRING: ("str", ()),
    BYTES: ("bytes", ()),
    TIMESTAMP: ("datetime", (("datetime", "datetime"),)),
    DURATION: ("timedelta", (("datetime", "timedelta"),)),
}
_MODELS: Final = "saltern_runtime.models"
_HELD: Final = {BOOL: "Bool", INT: "Int", DOUBLE: "Double"}
"""What holds a field to its type, where Python would take one for another."""

Imports: TypeAlias = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Annotation:
    """A Python annotation: its text, the classes it names, and what to import for it beside them."""

    text: str
    classes: frozenset[str]
    imports: Imports


@dataclass(frozen=True, slots=True)
class Model:
    """A class of models.py."""

    name: str
    type: ObjectType
    doc: str


@dataclass
class Classes:
    """The classes of a pipeline. Equal object types share one class; the first in the order of data flow names it."""

    own: list[Model] = field(default_factory=list)
    """In the order they must be defined: parts before wholes."""
    aliases: dict[str, Annotation] = field(default_factory=dict)
    """`Output` → what it is, where it is no class of its own."""
    names: dict[Type, str] = field(default_factory=dict)
    """Object type → its class."""
    _reserved: dict[ObjectType, str] = field(default_factory=dict)
    """Type whose class has its name already, but is not defined yet: it stands last, or before the first that it is a part of."""
    _foreign: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Class of a node type → the module to import it from, and what to import (`Message as AcmeMessage`)."""
    _taken: set[str] = field(default_factory=lambda: set(_RESERVED))

    @classmethod
    def of(cls, plan: Plan) -> Classes:
        """Name the classes of everything that the pipeline's values are made of."""
        classes = cls()
        classes.names[FILE] = "File"
        classes._foreign["File"] = ("saltern_runtime.files", "File")
        classes._taken.update(
            function_names(plan).values(),
            item_names(plan).values(),
            (path.removesuffix(".py") for path, _ in plan.files),
        )
        for planned in plan.nodes:
            classes._name_foreign(planned)
        classes._name_root("Input", plan.input_type, "What a run starts with.")
        classes._reserve("Output", plan.output_type)
        for planned in plan.nodes:
            if planned.node.id == RETURN:
                continue
            if planned.spec.calls:
                given = planned.returns.item if isinstance(planned.returns, ListType) else planned.returns
                doc = f"What `{planned.node.id}` {planned.spec.name.partition('.')[0]}s `{planned.spec.calls}` with."
                classes._name_all(given, class_name(f"{planned.spec.calls} input"), doc)
                doc = f"What `{planned.spec.calls}` returns."
                classes._name_all(planned.result, class_name(f"{planned.spec.calls} output"), doc)
            if planned.node.body is not None:
                classes._name_item(planned, planned.node.body)
            classes._name_all(planned.result, class_name(planned.node.id), f"Result of `{planned.node.id}`.")
            for name, value in planned.node.params:
                if isinstance(value, TypeValue):
                    classes._name_all(
                        value.type, class_name(f"{planned.node.id} {name}"), f"`{name}` of `{planned.node.id}`."
                    )
        classes._name_root("Output", plan.output_type, _OUTPUT_DOC)
        return classes

    def name(self, of: ObjectType) -> str:
        """Return the class of an object type; one that was not met before becomes a class now."""
        if of not in self.names:
            self._name_all(of, "Value", "A value.")
        return self.names[of]

    def _name_item(self, planned: PlannedNode, body: Region) -> None:
        """Name what the rounds of a region start with: an item of its list, or a state."""
        owner, name = planned.node.id, " ".join(body.variables)
        if planned.spec.region is not None and planned.spec.region.carries is not None:
            self._name_all(planned.returns, class_name(f"{owner} {name}"), f"A state that `{owner}` goes through.")
        elif isinstance(planned.returns, ListType):
            item = class_name(name or f"{owner} item")
            self._name_all(planned.returns.item, item, f"An item that `{owner}` goes through.")

    def _name_foreign(self, planned: PlannedNode) -> None:
        """Take the class that the node type brings along, unless the node was given a type of its own."""
        module, _, name = planned.spec.model_of(planned.result).partition(":")
        is_given = any(isinstance(value, TypeValue) for _, value in planned.node.params)
        of = planned.result
        if planned.spec.region is not None and isinstance(planned.returns, ListType):
            of = planned.returns.item
        if module and isinstance(of, ObjectType) and not is_given:
            if of in self.names:
                return
            top = module.partition(".")[0]
            known = name if name not in _RESERVED | self._foreign.keys() else class_name(f"{top} {name}", self._taken)
            self.names[of] = known
            self._foreign[known] = (module, name if known == name else f"{name} as {known}")
            self._taken.add(known)

    def _reserve(self, name: str, of: Type) -> None:
        """Keep a name for an object type whose class stands last, since it is made of what nodes give."""
        if isinstance(of, ObjectType) and of not in self.names:
            self.names[of] = name
            self._reserved[of] = name

    def _name_root(self, name: str, of: Type, doc: str) -> None:
        if not isinstance(of, ObjectType):
            self._name_all(of, f"{name} value", doc)
            self.aliases[name] = self.annotation(of)
        elif self.names.get(of, name) != name:
            self.aliases[name] = self.annotation(of)
        elif of not in self.names or self._reserved.pop(of, ""):
            self._name_parts(of, name)
            self.names[of] = name
            self.own.append(Model(name, of, doc))

    def _name_all(self, of: Type, hint: str, doc: str, *, is_part: bool = False) -> None:
        """Name the object types inside a type after what holds them; parts of a class must be defined before it."""
        match of:
            case ObjectType():
                if of in self.names:
                    if is_part and of in self._reserved:
                        self._name_root(self._reserved[of], of, _OUTPUT_DOC)
                    return
                name = class_name(hint, self._taken)
                self._taken.add(name)
                self.names[of] = name
                self._name_parts(of, name)
                self.own.append(Model(name, of, doc))
            case ListType(item=item):
                self._name_all(item, f"{hint} item", _inside("An item of", doc), is_part=is_part)
            case MapType(value=value):
                self._name_all(value, f"{hint} value", _inside("A value of", doc), is_part=is_part)
            case UnionType(members=members):
                for member in members:
                    self._name_all(member, hint, doc, is_part=is_part)
            case _:
                return

    def _name_parts(self, of: ObjectType, name: str) -> None:
        for member in of.fields:
            self._name_all(member.type, f"{name} {member.name}", f"`{member.name}` of `{name}`.", is_part=True)

    def annotation(self, of: Type, *, held: bool = False) -> Annotation:
        """Write a type as an annotation; `held`: of a field that is checked when it is filled."""
        parts = list(_alternatives(of))
        imports: set[tuple[str, str]] = set()
        classes: set[str] = set()
        texts: list[str] = []
        literals = [part.value for part in parts if isinstance(part, LiteralType)]
        if literals:
            text = f"Literal[{', '.join(map(literal, literals))}]"
            imports.add(("typing", "Literal"))
            if held and not all(isinstance(value, str) for value in literals):
                text = f"Exact[{text}]"
                imports.add((_MODELS, "Exact"))
            texts.append(text)
        for part in parts:
            if not isinstance(part, LiteralType):
                one = self._one(part, held)
                texts.append(one.text)
                imports |= one.imports
                classes |= one.classes
        return Annotation(" | ".join(texts), frozenset(classes), frozenset(imports))

    def _one(self, of: Type, held: bool) -> Annotation:
        match of:
            case Primitive() if held and of in _HELD:
                return Annotation(_HELD[of], frozenset(), frozenset({(_MODELS, _HELD[of])}))
            case Primitive():
                text, needed = _PRIMITIVES[of]
                return Annotation(text, frozenset(), frozenset(needed))
            case ListType(item=item):
                inner = self.annotation(item, held=held)
                return Annotation(f"list[{inner.text}]", inner.classes, inner.imports)
            case MapType(value=value):
                inner = self.annotation(value, held=held)
                return Annotation(f"dict[str, {inner.text}]", inner.classes, inner.imports)
            case ObjectType():
                name = self.name(of)
                if name in self._foreign:
                    return Annotation(name, frozenset(), frozenset({self._foreign[name]}))
                return Annotation(name, frozenset({name}), frozenset())
        raise AssertionError(of)


def _alternatives(of: Type) -> Iterator[Type]:
    yield from of.members if isinstance(of, UnionType) else (of,)


def _inside(what: str, doc: str) -> str:
    return f"{what} {doc if doc.startswith('`') else doc[0].lower() + doc[1:]}"
