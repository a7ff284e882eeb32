"""What type an expression has, and what is found wrong with it."""

import pytest

from saltern_compiler.diagnostics.model import NOWHERE, Origin
from saltern_compiler.expr.parse import parse
from saltern_compiler.expr.typing import Env
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
    obj,
    optional,
    show,
    union,
)
from saltern_runtime.spec.types import LiteralType
from tests.support.expressions import infer

CATEGORY = union(LiteralType("billing"), LiteralType("bug"), LiteralType("other"))
NAMES = {
    "input": obj(
        {
            "subject": STRING,
            "count": INT,
            "rate": DOUBLE,
            "ok": BOOL,
            "nick": optional(STRING),
            "note": Field("note", STRING, required=False),
            "items": ListType(obj({"name": STRING, "price": INT})),
            "content-type": STRING,
        }
    ),
    "classify": obj({"category": CATEGORY, "owner": optional(obj({"name": STRING}))}),
    "page": obj({"status": INT, "headers": MapType(STRING), "body": ANY}),
    "run": obj({"started_at": TIMESTAMP}),
    "tell": obj({"ts": STRING}),
    "other": obj({"ts": STRING}),
}
ENV = Env(NAMES, frozenset({"tell", "other"}))


def typed(text: str):
    expr, problems = parse(text, NOWHERE)
    assert expr is not None
    assert not problems
    of, found = infer(expr, ENV, NOWHERE)
    return show(of), found


@pytest.mark.parametrize(
    ("text", "of"),
    [
        ("input.count + 1", "int"),
        ("[3, 1].sort()", "list<int>"),
        ("[[1], [2]].flatten()", "list<int>"),
        ("['a'].distinct().reverse()", "list<string>"),
        ("[1, 2].slice(0, 1)", "list<int>"),
        ("['a'].first()", "string?"),
        ("[1.5].last()", "double?"),
        ("[1, 2].sum()", "int"),
        ("[1.5].sum()", "double"),
        ("['a', 'b'].max()", "string"),
        ("dyn([1]).reverse()", "any"),
        ("dyn([1]).min()", "any"),
        ("input.items.exists(i, item, i == 1 && item.price > 1)", "bool"),
        ("input.items.transformList(i, item, i > 0, item.name)", "list<string>"),
        ("page.headers.transformMap(name, value, value.size())", "map<int>"),
        ("{'a': 1, 'b': 2}.transformMap(k, v, string(v) + k)", "map<string>"),
        ("input.items.transformMap(i, item, item.price)", "any"),
        ("input.items.transformMapEntry(i, item, {item.name: i})", "map<int>"),
        ("page.body.transformMap(k, v, k)", "any"),
        ("page.body.all(k, v, v)", "bool"),
        ("cel.bind(x, input.count, x + 1)", "int"),
        ("cel.bind(x, 1, x == 2)", "bool"),
        ("cel.bind(n, input.nick, n != null ? n.size() : 0)", "int"),
        ("input.items.sortBy(item, item.price)", "list<{ name: string, price: int }>"),
        ("page.body.sortBy(x, x.price)", "list<any>"),
        ("lists.range(3)", "list<int>"),
        ("page.body.flatten(2)", "list<any>"),
        ("sets.intersects(input.items, [1])", "bool"),
        ("regex.extract(input.subject, '[0-9]+')", "string?"),
        ("regex.extractAll(input.subject, '[0-9]+')", "list<string>"),
        ("regex.replace(input.subject, 'a', 'b', 1)", "string"),
        ("input.items.groupBy(item, item.name)", "map<list<{ name: string, price: int }>>"),
        ("[classify].groupBy(c, c.category).size()", "int"),
        ("[1].zip(['a'])", "list<{ first: int, second: string }>"),
        ("[1].zip(['a']).map(p, p.second)", "list<string>"),
        ("[1, 2].avg()", "double"),
        ("json.encode(input)", "string"),
        ("json.decode('{}').a", "any"),
        ("times.format(run.started_at, '%Y', 'Europe/Berlin')", "string"),
        ("times.parse(input.subject, '%d.%m.%Y')", "timestamp"),
        ("times.truncate(run.started_at, 'week')", "timestamp"),
        ("math.greatest(input.count, 1)", "int"),
        ("math.greatest(input.count, input.rate)", "double | int"),
        ("math.least([1.5])", "double"),
        ("math.abs(page.body.n)", "any"),
        ("math.round(input.count)", "double"),
        ("math.bitAnd(input.count, 1)", "int"),
        ("math.isNaN(page.body.n)", "bool"),
        ("'%d'.format([input.count])", "string"),
        ("base64.decode(input.subject).size()", "int"),
        ("input.count + 1.5", "double"),
        ("input.count * input.rate", "double"),
        ("input.subject + '!'", "string"),
        ('classify.category == "bug"', "bool"),
        ('input.ok ? "a" : "b"', '"a" | "b"'),
        ("input.ok ? input.subject : null", "string?"),
        ("input.nick", "string?"),
        ("input.note", "string?"),
        ("input.`content-type`", "string"),
        ('input["content-type"]', "string"),
        ("input.items[0].name", "string"),
        ("input.items.map(i, i.price)", "list<int>"),
        ("input.items.filter(i, i.price > 3)", "list<{ name: string, price: int }>"),
        ("input.items.exists(i, i.name == 'x')", "bool"),
        ('page.headers["etag"]', "string"),
        ("page.headers.map(h, h)", "list<string>"),
        ("page.body.items[0].x", "any"),
        ("page.body.a + 1", "any"),
        ("page.body.a == 1", "bool"),
        ("int(page.body.a)", "int"),
        ("[1, 2]", "list<int>"),
        ("[1, 2.5]", "list<double | int>"),
        ("[1, 'a']", "list<any>"),
        ("{'a': 1, 'b': input.subject}", "{ a: int, b: string }"),
        ("{input.subject: 1}", "map<int>"),
        ("run.started_at - run.started_at", "duration"),
        ("run.started_at.getHours()", "int"),
        ("merge(tell.ts, other.ts)", "string?"),
        ("merge(tell.ts, input.subject)", "string"),
        ("merge(tell.ts, 1)", "1 | string"),
        ("tell.?ts", "string?"),
        ("tell.?ts.orValue('x')", "string"),
        ("page.body.?a.b.orValue(1)", "any"),
        ("classify.?owner.name", "string?"),
    ],
)
def test_types(text: str, of: str):
    """A clean expression has its type and no finding."""
    assert typed(text) == (of, [])


@pytest.mark.parametrize(
    ("text", "code", "message", "at"),
    [
        ("inptu.subject", "unknown-name", "unknown name `inptu`", "inptu"),
        ("input.subjct", "unknown-field", "there is no field `subjct`", "subjct"),
        ("fetch(1)", "unknown-function", "there is no function `fetch`", "fetch(1)"),
        ("input.subject.length()", "unknown-function", "there is no method `length`", "input.subject.length()"),
        ("size(1)", "ill-typed-expression", "`size` does not take (int)", "size(1)"),
        ("input.count + 'a'", "ill-typed-expression", "`+` does not take int and string", "input.count + 'a'"),
        ("input.count && true", "ill-typed-expression", "a condition is a bool, not int", "input.count"),
        ("input.count == 'a'", "ill-typed-expression", "`==` does not take int and string", "input.count == 'a'"),
        ('classify.category == "bugs"', "ill-typed-expression", 'the value is never "bugs"', '"bugs"'),
        ("input.subject.name", "ill-typed-expression", "string has no fields", "input.subject.name"),
        ("input.count[0]", "ill-typed-expression", "int is not indexed by 0", "input.count[0]"),
        ("input.items['a']", "ill-typed-expression", None, "input.items['a']"),
        ("input.subject.map(c, c)", "ill-typed-expression", "string has no items", "input.subject"),
        ("input.items.all(1, true)", "ill-typed-expression", "`all` is not used that way", "input.items.all(1, true)"),
        ("input.subject.matches('(')", "ill-typed-expression", "the pattern is no regular expression", "'('"),
        (
            "input.items.all(i, item, item.price)",
            "ill-typed-expression",
            "a condition is a bool, not int",
            "item.price",
        ),
        ("input.count.transformList(i, v, v)", "ill-typed-expression", "int has no items", "input.count"),
        ("page.headers.all(k, v, k > 1)", "ill-typed-expression", "`>` does not take string and int", "k > 1"),
        ("cel.bind(1, 2, 3)", "ill-typed-expression", "`cel.bind` is not used that way", "cel.bind(1, 2, 3)"),
        ("cel.bind(x, input.nick, x.size())", "may-be-null", "the value may be null", "x"),
        ("cel.bind(x, 1, x) + x", "unknown-name", "unknown name `x`", None),
        ("input.items.sortBy(item, item)", "ill-typed-expression", "{ name: string, price: int } has no order", "item"),
        (
            "page.headers.sortBy(h, h)",
            "ill-typed-expression",
            "`sortBy` goes through a list, not map<string>",
            "page.headers",
        ),
        ("[input.nick].sortBy(n, n)", "may-be-null", "the value may be null", None),
        ("regex.replace('a', '(', 'b')", "ill-typed-expression", "the pattern is no regular expression", "'('"),
        ("input.subject.matches('(?=a)')", "ill-typed-expression", "the pattern is no regular expression", "'(?=a)'"),
        ("regex.extract('a', '(a)(b)')", "ill-typed-expression", "the pattern has 2 groups", "'(a)(b)'"),
        ("lists.range('a')", "ill-typed-expression", "`lists.range` does not take (string)", "lists.range('a')"),
        ("input.items.groupBy(i, i.price)", "ill-typed-expression", "items are grouped by text, not by int", "i.price"),
        ("times.format(run.started_at, '%Q')", "ill-typed-expression", "the format cannot be read", "'%Q'"),
        ("times.parse('1', '%H')", "ill-typed-expression", "no time can be read by the format", "'%H'"),
        ("times.truncate(run.started_at, 'days')", "ill-typed-expression", "there is no such unit of time", "'days'"),
        (
            "timestamp('2025-02-30T00:00:00Z')",
            "ill-typed-expression",
            "the value is no moment",
            "'2025-02-30T00:00:00Z'",
        ),
        ("timestamp(999999999999)", "ill-typed-expression", "the value is no moment", "999999999999"),
        ("duration('nope')", "ill-typed-expression", "the text is no length of time", "'nope'"),
        ("int('1.5')", "ill-typed-expression", "the text is no whole number", "'1.5'"),
        ("uint('-1')", "ill-typed-expression", "the text is no unsigned number", "'-1'"),
        ("double('1,5')", "ill-typed-expression", "the text is no number", "'1,5'"),
        ("bool('yes')", "ill-typed-expression", "the text is neither true nor false", "'yes'"),
        ("input.count / 0", "ill-typed-expression", "division by zero", "0"),
        ("1u % 0u", "ill-typed-expression", "modulus by zero", "0u"),
        (
            "run.started_at.getHours('Europe/Berln')",
            "unknown-time-zone",
            "unknown time zone `Europe/Berln`",
            "'Europe/Berln'",
        ),
        ("page.body.getHours('25:00')", "unknown-time-zone", "unknown time zone `25:00`", "'25:00'"),
        ("times.format(run.started_at, '%d', 'CEST')", "unknown-time-zone", "unknown time zone `CEST`", "'CEST'"),
        ("times.parse('1', '%Y%m%d', 'CEST')", "unknown-time-zone", None, "'CEST'"),
        ("times.truncate(run.started_at, 'day', 'CEST')", "unknown-time-zone", None, "'CEST'"),
        ("['a'].avg()", "ill-typed-expression", "`avg` does not take (list<string>)", "['a'].avg()"),
        ("url.encode(1)", "ill-typed-expression", "`url.encode` does not take (int)", "url.encode(1)"),
        ("math.squareRoot(4)", "unknown-function", "there is no function `math.squareRoot`", "math.squareRoot(4)"),
        ("math.pi", "unknown-name", "unknown name `math`", "math"),
        ("math.abs('a')", "ill-typed-expression", "`math.abs` does not take (string)", "math.abs('a')"),
        ("math.bitAnd(1.5, 1)", "ill-typed-expression", None, "math.bitAnd(1.5, 1)"),
        ("math.greatest()", "ill-typed-expression", "`math.greatest` does not take ()", "math.greatest()"),
        ("base64.encode('a')", "ill-typed-expression", "`base64.encode` does not take (string)", "base64.encode('a')"),
        ("'%q'.format([1])", "ill-typed-expression", "the format cannot be read", "'%q'"),
        ("'%d'.format([1, 2])", "ill-typed-expression", "the format has not one clause for each value", "[1, 2]"),
        ("'%d'.format([input.subject])", "ill-typed-expression", "`%d` does not take string", "input.subject"),
        ("input.nick.size()", "may-be-null", "the value may be null", "input.nick"),
        ("input.note + 'x'", "may-be-null", "the value may be null", "input.note"),
        ("classify.owner.name", "may-be-null", "the value may be null", "classify.owner"),
        ("tell.ts", "may-be-skipped", "`tell` may have been skipped", "tell"),
        ("merge()", "ill-typed-expression", "`merge` takes at least one value", "merge()"),
    ],
)
def test_findings(text: str, code: str, message: str | None, at: str | None):
    """What is wrong is found once, where it stands."""
    _, found = typed(text)
    assert [each.code for each in found] == [code]
    assert message is None or found[0].message == message
    assert at is None or text[found[0].origin.start : found[0].origin.end] == at


@pytest.mark.parametrize(
    "text",
    [
        "input.nick != null ? input.nick.size() : 0",
        "input.nick == null || input.nick.size() > 1",
        "input.nick != null && input.nick.size() > 1",
        "!(input.nick == null) ? input.nick + 'x' : ''",
        "has(input.note) ? input.note + 'x' : ''",
        "has(tell.ts) ? tell.ts : 'none'",
        "classify.owner != null ? classify.owner.name : ''",
        "[input.nick].filter(n, n != null).map(n, n.size())",
    ],
)
def test_conditions_prove_what_they_test(text: str):
    """Null, absent and skipped values may be used where a condition has shut that out."""
    assert typed(text)[1] == []


@pytest.mark.parametrize(
    "text",
    [
        "input.rate / 0",
        "1 / 0.0",
        "page.body / 0",
        "false && 1 / 0 == 1",
        "[1].exists(n, n % 0 == 1)",
        "timestamp(0).getHours('+05:30') + timestamp('2024-02-29T00:00:00Z').getHours('Europe/Zurich')",
        "duration('-1h30m')",
        "uint('7')",
        "times.truncate(run.started_at, 'day', 'UTC')",
    ],
)
def test_what_is_written_out_may_have_a_value(text: str):
    """No finding about a number, a time or a zone that a run could read, nor about a division of doubles."""
    assert typed(text)[1] == []


def test_proof_ends_where_a_macro_takes_the_name():
    """A variable of a macro is another value than what a condition has tested."""
    _, found = typed("input.nick != null ? [input].all(input, input.nick.size() > 1) : true")
    assert [each.code for each in found] == ["may-be-null"]


@pytest.mark.parametrize("text", ["input.items.all(x, x, true)", "page.body.transformMapEntry(k, v, v)"])
def test_a_macro_says_how_it_is_written(text: str):
    """Two names are two, and an entry is written as one; the names are unknown then."""
    codes = [each.code for each in typed(text)[1]]
    assert set(codes) == {"unknown-name", "ill-typed-expression"}
    assert codes.count("ill-typed-expression") == 1


def test_everything_is_found_at_once_and_nothing_twice():
    """An unknown part is reported, and what is built on it is not."""
    _, found = typed("foo.a.b + 1 > input.bar && tell.ts == 3")
    assert [each.code for each in found] == ["unknown-name", "unknown-field", "may-be-skipped", "ill-typed-expression"]


def test_a_near_name_comes_as_a_fix():
    """The fix replaces the name alone."""
    expr, _ = parse("input.subjct", NOWHERE)
    assert expr is not None
    found = infer(expr, ENV, Origin("/nodes/0/data/params/text/$expr"))[1][0]
    edit = found.fixes[0].edits[0]
    assert (edit.text, edit.origin) == ("subject", Origin("/nodes/0/data/params/text/$expr", 6, 12))


def test_a_finding_inside_an_enumeration_names_its_members():
    """The note lists what the value can be, and the fix is the nearest."""
    _, found = typed('classify.category == "bugs"')
    assert found[0].notes == ('It is "billing" or "bug" or "other".',)
    assert found[0].fixes[0].edits[0].text == '"bug"'
