"""python.call: types from the text of a module, values held to them when it runs."""

import sys
import types
from textwrap import dedent
from typing import TypedDict

import pytest

from saltern_runtime.errors import PermanentError
from saltern_runtime.files import File
from saltern_runtime.models import Model
from saltern_runtime.nodes import python
from saltern_runtime.nodes.python.signature import read_module
from saltern_runtime.spec import ANY, INT, STRING, Bound, Effect, Field, MapType, obj, show

RULES = dedent(
    '''
    """Rules of the team."""
    from __future__ import annotations
    import os, nowhere  # not installed, never imported
    from datetime import datetime, timedelta
    from typing import Annotated, Any, Literal, NotRequired, Optional, TypedDict, Union
    raise SystemExit("run while compiling")

    Level = Literal["low", "high"]

    class Base(TypedDict):
        id: str

    class Score(Base, total=False):
        """A score."""
        value: float
        "doc"
        level: Required[Level]
        parts: NotRequired[list["Base"]]

    class Tree(TypedDict):
        children: list[Tree]

    class Plain:
        x: int

    def score(subject: str, urgency: int = 1, *, tags: list[str] = [], extra: Any = None) -> Score: ...
    def positional(a: int, /) -> int: ...
    def more(**rest: int) -> None: ...
    async def later() -> int: ...
    def f1() -> int | None: ...
    def f2() -> Optional[str]: ...
    def f3() -> Union[int, float, None]: ...
    def f4() -> dict[str, list[bool]]: ...
    def f5() -> dict[int, str]: ...
    def f6() -> Literal[1, -2, True, None]: ...
    def f7() -> Annotated[datetime, "utc"]: ...
    def f8() -> timedelta: ...
    def f9() -> "list[Score]": ...
    def f10() -> Plain: ...
    def f11() -> Tree: ...
    def f12(): ...
    def f13() -> os.PathLike[str]: ...
    def f14() -> tuple[int, ...]: ...
    def f15() -> "not python (": ...
    def f16() -> list: ...
    def f17() -> Literal[1.5]: ...
    '''
)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("score", '{ id: string, level: "high" | "low", parts?: list<{ id: string }>, value?: double }'),
        ("f1", "int?"),
        ("f2", "string?"),
        ("f3", "double | int | null"),
        ("f4", "map<list<bool>>"),
        ("f5", "any"),
        ("f6", "-2 | 1 | true | null"),
        ("f7", "timestamp"),
        ("f8", "duration"),
        ("f9", 'list<{ id: string, level: "high" | "low", parts?: list<{ id: string }>, value?: double }>'),
        ("f10", "any"),
        ("f11", "{ children: list<any> }"),
        ("f12", "any"),
        ("f13", "any"),
        ("f14", "any"),
        ("f15", "any"),
        ("f16", "list<any>"),
        ("f17", "any"),
        ("more", "null"),
    ],
)
def test_result_types_are_read_from_annotations_without_running_the_module(spec, name, shown):
    """The module raises when run, imports what is not there, and is read all the same."""
    bound = Bound({"function": f"rules:{name}"}, {}, files={"rules.py": RULES})
    assert show(spec("python.call").result(bound)) == shown


def test_arguments_have_types_and_defaults():
    """For checks and completion."""
    signature = read_module(RULES).signature("score")
    assert [(a.name, show(a.type), a.required) for a in signature.arguments] == [
        ("subject", "string", True),
        ("urgency", "int", False),
        ("tags", "list<string>", False),
        ("extra", "any", False),
    ]


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("rules", "names no function"),
        ("rules.score", "names no function"),
        ("a.b:score", "names no function"),
        ("../rules:score", "names no function"),
        ("rules:score\n", "names no function"),
        ("rules:sc\N{LATIN SMALL LETTER O WITH DIAERESIS}re", "names no function"),
        ("other:score", "no module other.py"),
        ("broken:score", "cannot be read as Python"),
        ("rules:missing", "has no function 'missing'"),
        ("rules:Score", "has no function 'Score'"),
        ("models:score", "taken by generated code"),
        ("rules:later", "async"),
        ("rules:positional", "by position only"),
    ],
)
def test_functions_that_cannot_be_called_are_problems(spec, function, words):
    """Each with what is there instead; the type is then `any`."""
    bound = Bound({"function": function}, {"function": STRING}, files={"rules.py": RULES, "broken.py": "def ("})
    (found,) = spec("python.call").check(bound)
    assert (found.param, words in found.message) == ("function", True)


@pytest.mark.parametrize(
    ("literals", "types", "words"),
    [
        ({}, {}, ["lacks the argument 'subject'"]),
        ({"args": {"subject": "a"}}, {}, []),
        ({"args": {"subjekt": "a"}}, {}, ["takes no argument 'subjekt'", "lacks the argument 'subject'"]),
        ({}, {"args": obj({"subject": STRING, "wrong": INT})}, ["takes no argument 'wrong'"]),
        ({}, {"args": obj({"subject": Field("subject", STRING, required=False)})}, []),
        ({}, {"args": MapType(ANY)}, []),
    ],
)
def test_arguments_are_compared_by_name_where_they_are_known(spec, literals, types, words):
    """A map of unknown keys is left to the run."""
    bound = Bound({"function": "rules:score", **literals}, types, files={"rules.py": RULES})
    assert [any(word in found.message for word in words) for found in spec("python.call").check(bound)] == [True] * len(
        words
    )


def test_a_function_with_keywords_takes_any_argument(spec):
    """`**rest` is a promise too."""
    bound = Bound({"function": "rules:more", "args": {"x": 1}}, {}, files={"rules.py": RULES})
    assert not list(spec("python.call").check(bound))


@pytest.mark.parametrize(
    ("literals", "effect"), [({}, "external"), ({"effect": "pure"}, "pure"), ({"effect": "wrong"}, "external")]
)
def test_the_effect_is_what_the_node_says(spec, literals, effect):
    """External where it says nothing."""
    assert spec("python.call").effect(Bound(literals, {})) is Effect(effect)


class Scored(TypedDict):
    value: float


class ScoredModel(Model):
    value: float


def double(value: float) -> Scored:
    return {"value": value * 2}


def lies(value: float) -> int:
    return "no number"  # type: ignore[return-value]  # that is what the test is about


def takes_model(item: dict[str, object]) -> str:
    return ",".join(item)


def leaves() -> None:
    raise SystemExit(3)


def grows(value: int) -> dict[str, list[int]]:
    return {"sizes": [value, value + 1]}


def fails() -> None:
    raise LookupError("own")


def test_a_function_gets_plain_values_and_its_result_is_checked(context):
    """A TypedDict stays a dict; given a model, the result is one."""
    assert python.call(context(), double, {"value": 2.0}) == {"value": 4.0}
    assert python.call(context(), function=double, args={"value": 2.0}, result=ScoredModel) == ScoredModel(value=4.0)
    assert python.call(context(), double, {"value": 2.0}, result=ScoredModel | None) == ScoredModel(value=4.0)
    assert python.call(context(), takes_model, {"item": ScoredModel(value=1.0)}) == "value"


def test_a_result_of_another_type_is_permanent(context):
    """What an annotation promises is checked at the boundary."""
    with pytest.raises(PermanentError, match="test_python:lies returned another type") as caught:
        python.call(context(), lies, {"value": 1.0})
    assert caught.value.code == "wrong-result"
    assert "no number" not in str(caught.value)


@pytest.mark.parametrize(("value", "fits"), [(2**63 - 2, True), (2**63 - 1, False), (-(2**63) - 1, False)])
def test_a_whole_number_of_more_than_64_bits_is_of_another_type(context, value, fits):
    """It is told where it was made, and not by whoever reads it, which would be tried again."""
    if fits:
        assert python.call(context(), grows, {"value": value}) == {"sizes": [value, value + 1]}
        return
    with pytest.raises(PermanentError, match="64 bits") as caught:
        python.call(context(), grows, {"value": value})
    assert caught.value.code == "wrong-result"


@pytest.mark.parametrize("args", [{}, {"value": 1.0, "more": 1}, {"valu": 1.0}])
def test_arguments_that_do_not_fit_are_permanent(context, args):
    """The signature decides before the function runs."""
    with pytest.raises(PermanentError) as caught:
        python.call(context(), double, args)
    assert caught.value.code == "bad-arguments"


def test_a_function_that_ends_the_process_ends_its_node_only(context):
    """`sys.exit` in a function is a failure with words of its own, not a lost worker."""
    with pytest.raises(PermanentError, match=r"test_python:leaves called sys.exit\(3\)") as caught:
        python.call(context(), leaves)
    assert caught.value.code == "function-exited"


def test_what_the_function_raises_passes_through(context):
    """The engine calls it internal, with the function's own traceback."""
    with pytest.raises(LookupError, match="own"):
        python.call(context(), fails)


def test_annotations_that_cannot_be_resolved_when_run_do_not_stop_the_call(context):
    """Names imported under TYPE_CHECKING only."""
    module = types.ModuleType("late_types")
    exec("from __future__ import annotations\ndef f() -> Nowhere: return 1", module.__dict__)
    sys.modules["late_types"] = module
    try:
        assert python.call(context(), module.f) == 1
    finally:
        del sys.modules["late_types"]


@pytest.mark.parametrize(
    ("imports", "annotation"),
    [
        ("from saltern_runtime.files import File", "File"),
        ("from saltern_runtime import File", "File"),
        ("from saltern_runtime.files import File as Doc", "Doc"),
        ("from saltern_runtime import files", "files.File"),
        ("from saltern_runtime import files as fs", "fs.File"),
        ("import saltern_runtime", "saltern_runtime.File"),
        ("import saltern_runtime.files", "saltern_runtime.files.File"),
        ("import saltern_runtime.files as fs", "fs.File"),
        ("import typing\nif typing.TYPE_CHECKING:\n    from saltern_runtime.files import File", "File"),
    ],
)
def test_a_file_is_known_however_it_is_imported(imports, annotation):
    """Also for type checkers alone."""
    module = read_module(
        f"{imports}\ndef look(doc: {annotation}, docs: list[{annotation}]) -> {annotation} | None: ...\n"
    )
    signature = module.signature("look")
    assert [show(each.type) for each in signature.arguments] == ["file", "list<file>"]
    assert show(signature.result) == "file?"


@pytest.mark.parametrize(
    "imports", ["", "class File: ...", "from other.files import File", "from .files import File", "if True:\n    x = 1"]
)
def test_another_file_is_any(imports):
    """A class of the same name that is another one is none of ours."""
    assert read_module(f"{imports}\ndef look(doc: File): ...\n").signature("look").arguments[0].type == ANY


def look(doc, more=None):
    """Take files, whatever its annotations say."""
    return [type(doc).__name__, doc.read().decode(), more and [type(each).__name__ for each in more["all"]]]


def test_files_arrive_as_files(context):
    """However deep in the arguments, and with the bytes that came along; what stands beside them is plain."""
    one = File.of("a", b"bytes")
    holder = make_holder(one)
    assert python.call(context(), look, {"doc": one, "more": {"all": [one, 1.5, holder]}}, result=list) == [
        "File", "bytes", ["File", "float", "dict"],
    ]  # fmt: skip


def make_holder(file):
    """Make a model with a file in it."""

    class Holder(Model):
        doc: File

    return Holder(doc=file)


def reads(doc: File) -> str:
    """Read a file."""
    return doc.read().decode()


def test_a_reference_becomes_a_file_where_the_function_says_so(context):
    """What was any until then, with its bytes as base64; what is no file is an error of the arguments."""
    assert python.call(context(), reads, {"doc": {"name": "a", "base64": "Ynl0ZXM="}}) == "bytes"
    with pytest.raises(PermanentError) as caught:
        python.call(context(), reads, {"doc": "text"})
    assert caught.value.code == "bad-arguments"
