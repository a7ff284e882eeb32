"""Expressions as Python: what they look like, that type checkers and linters like them, and what they give."""

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

import saltern_runtime.expr as helpers
from saltern_compiler.diagnostics.model import NOWHERE
from saltern_compiler.expr.parse import parse
from saltern_compiler.expr.typing import Env
from saltern_runtime import SKIPPED
from saltern_runtime.expr import ExprError
from saltern_runtime.models import Maybe, Model
from saltern_runtime.spec import (
    ANY,
    BOOL,
    DOUBLE,
    INT,
    STRING,
    TIMESTAMP,
    Field,
    ListType,
    MapType,
    Type,
    obj,
    optional,
    union,
)
from saltern_runtime.spec.types import LiteralType
from saltern_targets.python.expr import annotation, attributes, coerce
from tests.support.expressions import PyName, infer, template_to_python, to_python
from tests.support.typed import typed

ITEM = obj({"name": STRING, "price": INT})
INPUT = obj(
    {
        "subject": STRING,
        "count": INT,
        "rate": DOUBLE,
        "ok": BOOL,
        "nick": optional(STRING),
        "note": Field("note", STRING, required=False),
        "items": ListType(ITEM),
        "class": STRING,
    }
)
CLASSIFY = obj({"category": union(LiteralType("billing"), LiteralType("bug")), "urgency": INT})
PAGE = obj({"status": INT, "headers": MapType(STRING), "body": ANY})
TELL = obj({"ts": STRING, "thread": optional(STRING)})
NAMES = {
    "input": PyName("input", INPUT),
    "classify": PyName("classify", CLASSIFY),
    "page": PyName("page", PAGE),
    "tell": PyName("tell", TELL, may_be_skipped=True),
    "other": PyName("other", TELL, may_be_skipped=True),
}
CLASSES: dict[Type, str] = {ITEM: "Item", INPUT: "Input", CLASSIFY: "Classify", PAGE: "Page", TELL: "Tell"}

CASES = [
    ('classify.category == "bug"', 'classify.category == "bug"'),
    ("input.count > 3 && !input.ok", "input.count > 3 and not input.ok"),
    ("input.count + 1 > 3 && input.ok", "and_(lambda: add(input.count, 1) > 3, lambda: input.ok)"),
    ("(input.ok || input.count > 1) && input.ok", "(input.ok or input.count > 1) and input.ok"),
    ("input.ok == (input.count == 1)", "input.ok == (input.count == 1)"),
    ("input.rate * 2 - (input.rate - 1)", "input.rate * 2 - (input.rate - 1)"),
    ("input.rate / 2", "div(input.rate, 2)"),
    ("input.count % 2 == 0", "mod(input.count, 2) == 0"),
    ("input.rate < input.count", "lt(input.rate, input.count)"),
    ('input.subject + "!"', 'input.subject + "!"'),
    ("input.`class`", "input.class_"),
    ("input.nick == null", "input.nick is None"),
    ("!(input.nick == null)", "input.nick is not None"),
    ("input.ok != true", "not input.ok"),
    ("input.nick != null ? input.nick.size() : 0", "len(input.nick) if input.nick is not None else 0"),
    ("has(input.note) && input.note.startsWith('x')", 'input.note is not None and input.note.startswith("x")'),
    ('input.ok ? "a" : input.count == 1 ? "b" : "c"', '"a" if input.ok else "b" if input.count == 1 else "c"'),
    ('(input.ok ? "a" : "b") + "c"', '("a" if input.ok else "b") + "c"'),
    ("input.items.filter(i, i.price > 3).map(i, i.name)", "[i.name for i in input.items if i.price > 3]"),
    ("input.items.exists(i, i.name == input.subject)", "any(i.name == input.subject for i in input.items)"),
    ("input.items.all(i, 10 / i.price > 2)", "all_of(input.items, lambda i: div(10, i.price) > 2)"),
    ("input.items.exists_one(i, i.price == 1)", "sum(1 for i in input.items if i.price == 1) == 1"),
    ("input.items.map(input, input.name)", "[input_.name for input_ in input.items]"),
    ("input.items.map(i, {'n': i.name})", '[{"n": i.name} for i in input.items]'),
    ("!(input.subject in ['a', 'b'])", 'input.subject not in ["a", "b"]'),
    ("!input.subject.contains('x')", '"x" not in input.subject'),
    ("size(input.items)", "len(input.items)"),
    ("string(input.count)", "str(input.count)"),
    ("input.items[0].name", "get(input.items, 0).name"),
    ('page.headers["content-type"]', 'get(page.headers, "content-type")'),
    ("page.body.items[0].name", 'get(page.body, "items", 0, "name")'),
    ("page.body.?a.?b.orValue(3)", 'get(page.body, "a", "b", default=3)'),
    ("page.body.kind == 'a'", 'equal(get(page.body, "kind"), "a")'),
    ("page.body.kind == 'a' && input.ok", 'and_(lambda: get(page.body, "kind") == "a", lambda: input.ok)'),
    ("page.body.error == null", 'get(page.body, "error") is None'),
    ("page.body.n == 1", 'equal(get(page.body, "n"), 1)'),
    ("page.status == 200 && page.body.ok", 'page.status == 200 and truth(get(page.body, "ok"))'),
    ("page.body.map(x, x.id)", '[get(x, "id") for x in each(page.body)]'),
    ("merge(tell.ts, other.ts)", "tell.ts if tell is not SKIPPED else other.ts if other is not SKIPPED else None"),
    ("merge(tell.ts, input.subject)", "tell.ts if tell is not SKIPPED else input.subject"),
    ("tell.?ts.orValue('none')", 'tell.ts if tell is not SKIPPED else "none"'),
    ("has(tell.ts) ? tell.ts : ''", 'tell.ts if tell is not SKIPPED else ""'),
]


def expr(text: str):
    made, problems = parse(text, NOWHERE)
    assert made is not None
    assert not problems
    env = Env({name: each.type for name, each in NAMES.items()}, frozenset({"tell", "other"}))
    assert infer(made, env, NOWHERE)[1] == []
    return made


@pytest.mark.parametrize(("text", "python"), CASES)
def test_printed(text: str, python: str):
    """Plain Python where the types prove it equal, else a named helper; no parenthesis too many."""
    assert to_python(expr(text), NAMES).text == python


@pytest.mark.parametrize(
    ("text", "target", "python"),
    [
        ("input.count", DOUBLE, "float(input.count)"),
        ("input.ok ? 1 : 2", DOUBLE, "float(1 if input.ok else 2)"),
        ("classify", ANY, "plain(classify)"),
        ("page.body.x", STRING, 'expect(get(page.body, "x"), str)'),
        ("page.body.x", optional(INT), 'expect_optional(get(page.body, "x"), int)'),
        ("page.body", ListType(ITEM), "expect(page.body, list[Item])"),
        ("page.body", CLASSIFY.fields[0].type, 'one_of(page.body, "billing", "bug")'),
        ("page.body", union(INT, STRING), "expect_any(page.body, int, str)"),
        ("input.items.map(i, {'name': i.name, 'price': 1})", ListType(ITEM), None),
        ("input.items", ListType(ANY), "expect(input.items, list[Any])"),
        ("input.items", ListType(ITEM), "input.items"),
        ("[]", ListType(ITEM), "[]"),
        ("page.body", TIMESTAMP, "expect(page.body, datetime)"),
    ],
)
def test_passed_where_another_type_is_wanted(text: str, target: Type, python: str | None):
    """Dynamic values are checked, models become JSON where JSON is wanted, dicts become models where a class is."""
    found = to_python(expr(text), NAMES, target, classes=CLASSES).text
    assert found == (python or 'expect([{"name": i.name, "price": 1} for i in input.items], list[Item])')


def test_annotations_and_attributes():
    """Types are written as Python; fields that Python or pydantic has words for get another attribute."""
    of = optional(ListType(union(LiteralType("a"), LiteralType("b"), MapType(ANY))))
    made = annotation(of)
    assert made.text == 'list[Literal["a", "b"] | dict[str, Any]] | None'
    assert made.imports == {("typing", "Any"), ("typing", "Literal")}
    assert annotation(ITEM, CLASSES).text == "Item"
    assert annotation(ITEM).text == "dict[str, Any]"
    fields = obj({"id": INT, "class": INT, "copy": INT, "a-b": INT, "a_b": INT, "_x": INT, "str": INT})
    found = attributes(fields)
    assert (found["id"], found["a_b"], found["a-b"]) == ("id", "a_b", "a_b_")
    assert all(name.isidentifier() and not name.startswith("_") for name in found.values())
    assert not {found["class"], found["copy"], found["str"]} & {"class", "copy", "str"}


def test_a_union_that_only_json_can_tell_apart_is_left_plain():
    """Where no check can be written, the value is at least plain JSON."""
    code = to_python(expr("page.body"), NAMES)
    assert coerce(code, ANY, union(LiteralType("a"), INT)).text == "plain(page.body)"


@pytest.mark.parametrize(
    ("parts", "python"),
    [
        (["Hi ", "input.subject", "!"], 'f"Hi {input.subject}!"'),
        (["{", "input.count", "}\n"], 'f"{{{input.count}}}\\n"'),
        (['say "', "input.subject", '"'], "f'say \"{input.subject}\"'"),
        (['"', 'page.headers["a"]', '"'], """f'"{get(page.headers, "a")}"'"""),
        (["it's ", "input.subject", ' "q"'], """f'it\\'s {input.subject} "q"'"""),
        (["a ", 'page.headers["it\'s"]'], '"a " + get(page.headers, "it\'s")'),
        (["a ", "page.headers['b\\n']"], '"a " + get(page.headers, "b\\n")'),
        (["", "input.nick", ""], None),
        (["x", "{'a': 1}.a"], "f\"x{ {'a': 1}['a'] }\""),
        (["x", "input.ok ? 'a' : 'b'"], "f\"x{'a' if input.ok else 'b'}\""),
        (['only text \\ { " '], "'only text \\\\ { \" '"),
    ],
)
def test_templates(parts: list[str], python: str | None):
    """A template is one f-string that Python 3.11 reads; user text never leaves its literal."""
    made = [part if place % 2 == 0 else expr(part) for place, part in enumerate(parts)]
    code = template_to_python([part for part in made if part != ""], NAMES)
    assert code.text == (python or "text(input.nick)")
    compile(code.text, "template", "eval")


class Item(Model):
    name: str
    price: int


class Input(Model):
    subject: str = "s"
    items: tuple[Item, ...] = ()
    note: Maybe[str] = None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("input.items.map(i, i.price * 2)", [2, 4]),
        ("input.items.filter(i, i.price > 1).map(i, {'n': i.name})", [{"n": "b"}]),
        ("merge(tell.ts, input.subject)", "s"),
        ("tell.?ts.orValue('none')", "none"),
        ("has(input.note)", False),
        ("page.body.?a.?c.orValue(3)", 3),
        ("page.body.a.b == 1.0", True),
        ("page.body.list.exists(x, x.n / 0 > 1 || x.n == 2)", True),
        ("'x' + string(1.0) + string(true)", "x1true"),
        ("input.items.map(i, i.price).sum()", 3),
        ("input.items.map(i, i.price).sort().reverse().first()", 2),
        ("input.items.filter(i, i.price > 9).last() == null", True),
        ("[1, 1.0, 2].distinct().size()", 2),
        ("page.body.list.map(x, x.n).max()", 2),
        ("[[1], [2, 3]].flatten().slice(1, 3)", [2, 3]),
        ("type(null) == null_type && type(input.subject) == string", True),
    ],
)
def test_run(text: str, value: object):
    """What is printed gives the value."""
    space = {name: getattr(helpers, name) for name in helpers.__all__}
    space |= {"SKIPPED": SKIPPED, "tell": SKIPPED, "other": SKIPPED}
    space["input"] = Input(items=[Item(name="a", price=1), Item(name="b", price=2)])
    space["page"] = type("Page", (), {"body": {"a": {"b": 1}, "list": [{"n": 1}, {"n": 2}]}})()
    assert eval(to_python(expr(text), NAMES).text, space) == value


@pytest.mark.parametrize(
    "text",
    [
        "page.body.x.y",
        "page.body[1]",
        "[].max()",
        "[1].slice(0, 2)",
        "[1, 'a'].sort()",
        "1 / (input.items.size() - 2)",
        "int(page.body.a)",
    ],
)
def test_no_error_is_silent(text: str):
    """What has no value raises `ExprError`."""
    space = {name: getattr(helpers, name) for name in helpers.__all__}
    space["input"] = Input(items=[Item(name="a", price=1), Item(name="b", price=2)])
    space["page"] = type("Page", (), {"body": {"a": {"b": 1}}})()
    with pytest.raises(ExprError):
        eval(to_python(expr(text), NAMES).text, space)


def test_printed_python_is_clean(tmp_path: Path):
    """A module of all cases passes mypy --strict, ruff check and ruff format --check."""
    lines = []
    used: set[str] = set()
    env = Env({name: each.type for name, each in NAMES.items()}, frozenset({"tell", "other"}))
    texts = [*(text for text, _ in CASES), "input.count", "page.body"]
    for place, text in enumerate(texts):
        of = infer(expr(text), env, NOWHERE)[0]
        code = to_python(expr(text), NAMES, of, classes=CLASSES)
        used |= code.helpers
        given = annotation(of, CLASSES).text
        lines.append(
            f"def f{place}(input: Input, classify: Classify, page: Page, tell: Maybe, other: Maybe) -> {given}:"
        )
        lines.append(f'    """Give {place}."""\n    return {code.text}\n\n')
    head = dedent("""\
        from __future__ import annotations

        from typing import Any, Literal, TypeAlias

        from saltern_runtime import SKIPPED, Skipped
        from saltern_runtime.expr import HELPERS
        from saltern_runtime.models import Model


        class Item(Model):
            name: str
            price: int


        class Input(Model):
            subject: str
            count: int
            rate: float
            ok: bool
            nick: str | None
            note: str | None = None
            items: list[Item]
            class_: str


        class Classify(Model):
            category: Literal["billing", "bug"]
            urgency: int


        class Page(Model):
            status: int
            headers: dict[str, str]
            body: Any


        class Tell(Model):
            ts: str
            thread: str | None


        Maybe: TypeAlias = Tell | Skipped


        """).replace("HELPERS", ", ".join(sorted(used)))
    module = tmp_path / "printed.py"
    module.write_text(head + "\n".join(lines).rstrip() + "\n", "utf-8")
    said, status = typed(module, cwd=tmp_path)
    assert (said.startswith("Success"), status) == (True, 0), said
    ruff = [sys.executable, "-m", "ruff"]
    rules = ["--select", "E,F,W,B,C4,SIM,UP,PIE,RET,RUF,PLR,PLC,PLW,Q", "--ignore", "E501,PLR2004,PLR0913,PLR1714"]
    subprocess.run([*ruff, "check", "--isolated", "--target-version", "py311", *rules, str(module)], check=True)
    subprocess.run(
        [*ruff, "format", "--isolated", "--target-version", "py311", "--line-length", "320", "--check", str(module)],
        check=True,
    )


@pytest.mark.parametrize(
    "text",
    [
        "!" * 98 + "input.ok",
        "-" * 97 + "input.count",
        "[" * 99 + "1" + "]" * 99,
        " + ".join(["input.count"] * 99),
        " && ".join(["page.body.ok"] * 97),
        "input.ok ? 1 : " * 97 + "2",
        "page.body" + ".x" * 97,
        "".join(f"[1].all(x{n}, " for n in range(96)) + "true" + ")" * 96,
        "".join(f"page.body.map(x{n}, " for n in range(90)) + "1" + ")" * 90,
    ],
    ids=["not", "minus", "lists", "sums", "conditions", "ternaries", "fields", "macros", "dynamic macros"],
)
def test_what_is_just_deep_enough_prints(text: str):
    """Whatever the parser lets through, typing and printing can walk, and Python reads the result."""
    compile(to_python(expr(text), NAMES).text, "deep", "eval")
