"""file.rows: tables as CSV, workbooks and JSON Lines, with and without the type of a row."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from saltern_runtime.errors import PermanentError
from saltern_runtime.models import Bool, Double, Exact, Int, Maybe, Model
from tests.support.documents import DAY, LENGTH, MOMENT, Cell, cell, docx, packed, pdf, sheet_of, xlsx, xlsx_parts

pytestmark = pytest.mark.usefixtures("here")


class Row(Model):
    """A row with one field of each kind."""

    id: str
    n: Int
    total: Double
    paid: Bool
    at: datetime
    note: str | None
    more: Maybe[Int] = None
    kind: Literal["a", "b"]


class Rows(Model):
    rows: list[Row]


CSV = "id,n,total,paid,at,note,more,kind,unread\n"
FIRST = "001, 7 ,12.50,TRUE,2024-01-31,,,a,x\n"


def refused(read, *given, **named):
    with pytest.raises(PermanentError) as found:
        read(*given, **named)
    return found.value.code, found.value.message


@pytest.mark.parametrize("mark", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_a_csv_gives_texts_by_column(rows, mark, end):
    """Whatever its delimiter and its line breaks are; quotes hold both of them."""
    written = [f"id{mark}name", f'1{mark}"a{mark}b"', f'2{mark}"say ""x"""', "", f'3{mark}"two', 'lines"']
    found = rows(end.join(written).encode(), "a.csv")
    assert found == [
        {"id": "1", "name": f"a{mark}b"},
        {"id": "2", "name": 'say "x"'},
        {"id": "3", "name": f"two{end}lines"},
    ]


@pytest.mark.parametrize(
    ("written", "first"),
    [
        ("a;b\n1,5;2,5\n3;4\n", {"a": "1,5", "b": "2,5"}),
        ("a,b\n1;2;3,x\n4,5\n", {"a": "1;2;3", "b": "x"}),
        ('a,b\n"1;2",3\n', {"a": "1;2", "b": "3"}),
        ("one\ntwo\n", {"one": "two"}),
        ("a\tb, c\n1\t2\n", {"a": "1", "b, c": "2"}),
    ],
)
def test_the_delimiter_is_told_by_the_rows(rows, written, first):
    """Each row has as many fields as the first."""
    assert rows(written.encode())[0] == first


def test_a_delimiter_that_may_be_two_is_asked_for(rows):
    """Nothing is guessed; what is said holds."""
    code, message = refused(rows, b"a,b;c\n1,2;3\n")
    assert code == "unclear-delimiter"
    assert "comma or semicolon" in message
    assert rows(b"a,b;c\n1,2;3\n", delimiter=";") == [{"a,b": "1,2", "c": "3"}]
    assert rows(b"a|b\n1|2\n", delimiter="|") == [{"a": "1", "b": "2"}]


def test_a_table_without_a_header(apart, rows):
    """Its columns are numbered."""
    assert rows(b"1,2\n3,4", header=False) == [{"column1": "1", "column2": "2"}, {"column1": "3", "column2": "4"}]
    assert rows(xlsx([[1, "x"]]), header=False) == [{"column1": 1, "column2": "x"}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_encoding_is_told_by_the_bytes(apart, rows, encoding):
    """A mark is no part of the first name."""
    text = "größe;straße\nfür Köln;über die Brücke zurück\n"
    assert rows(text.encode(encoding)) == [{"größe": "für Köln", "straße": "über die Brücke zurück"}]


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("ąś\n1", "text/csv; charset=iso-8859-2"),
        ("да\n1", "text/csv;charset=KOI8-R"),
        ("да\tты\n1\t2", 'text/tab-separated-values; charset="koi8-r"'),
        ('{"да": 1}', "application/x-ndjson; charset=koi8-r"),
    ],
)
def test_rows_are_read_in_the_charset_that_their_type_says(rows, written, kind):
    """With parameters behind it, a type means what it means without; an encoding that is asked for holds before it."""
    charset = kind.partition("=")[2].strip('"')
    (row,) = rows(written.encode(charset), "it", kind)
    assert "".join(row) in written.replace("\t", "")
    other = "utf-16-be"
    assert rows(written.encode(other), "it", kind, encoding=other) == [row]


def test_a_table_that_speaks_of_charsets_declares_none(rows):
    """Only pages say of themselves which charset they have."""
    assert rows("a\n<meta charset=windows-1251> да".encode()) == [{"a": "<meta charset=windows-1251> да"}]


def test_the_encoding_that_is_said_holds(rows):
    """What is not of it is refused, with the place."""
    assert rows("a\nÅ".encode("cp850"), encoding="cp850") == [{"a": "Å"}]
    assert refused(rows, b"a\n\xff", encoding="utf-8") == (
        "wrong-encoding",
        "it cannot be read: byte 3 of it is not utf-8",
    )
    assert refused(rows, b"a", encoding="klingon") == ("bad-values", "there is no encoding 'klingon'")


@pytest.mark.parametrize(
    ("written", "code", "says"),
    [
        (b"a,b\n1,2\n\n3,4,5\n", "wrong-row", "line 4 has 3 fields, the header has 2"),
        (b"a,b\n1\n", "wrong-row", "line 2 has 1 field, the header has 2"),
        (b'a,b\n"1\nx",2\n3\n', "wrong-row", "line 4 has 1 field, the header has 2"),
        (b"a,a\n1,2\n", "duplicate-columns", "two columns have the name 'a'"),
        (b"a,,b\n1,2,3\n", "empty-header", "column 2 has no name"),
        (b'a,b\n1,"2\n3,4\n', "malformed-csv", "the row that begins in line 2 is no CSV: a quote is never closed"),
        (b'a,b\n"1"x,2\n', "malformed-csv", "line 2"),
        (b"", "no-rows", "it holds no line"),
        (b"\n\n", "no-rows", "it holds no line"),
        (b"<html><body>an error", "wrong-type", "it is HTML; it may be CSV"),
        (b"<?xml version='1.0'?><a/>", "wrong-type", "it is XML"),
        (pdf("x"), "wrong-type", "it is a PDF; it may be CSV"),
        (docx("x"), "wrong-type", "it is a Word document"),
        (b"a\0,b\n", "unsupported-type", "it holds NUL at character 2"),
    ],
)
def test_what_is_no_table_is_refused_with_its_place(rows, written, code, says):
    """Lines are counted as an editor does."""
    found, message = refused(rows, written)
    assert (found, says in message) == (code, True), message


def test_a_header_alone_gives_no_rows(rows):
    """It is a table all the same."""
    assert rows(b"a,b\n") == []


def test_texts_are_read_as_their_column_has_them(rows):
    """Texts keep their zeros and spaces; an empty one is null or absent; times without a zone are UTC."""
    found = rows((CSV + FIRST + "2,-3,1e3,false,2024-01-31T10:00:00+02:00, x ,5,b,\n").encode(), result=Rows)
    one, two = found
    assert one == Row(id="001", n=7, total=12.5, paid=True, at=datetime(2024, 1, 31, tzinfo=UTC), note=None, kind="a")
    assert "more" not in one.model_fields_set
    assert (two.n, two.total, two.note, two.more) == (-3, 1000.0, " x ", 5)
    assert two.at == datetime(2024, 1, 31, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("column", "text", "says"),
    [
        ("n", "7.5", "line 3, column \"n\": '7.5' is no int"),
        ("n", "9223372036854775808", "is no int"),
        ("n", "1_000", "is no int"),
        ("n", "", 'column "n": it is empty, and no int is'),
        ("n", "٣", "is no int"),
        ("total", "12;50", "is no double"),
        ("total", "nan", "'nan' is no double"),
        ("total", "1e999", "is no double"),
        ("total", "0x10", "is no double"),
        ("paid", "yes", "'yes' is no bool"),
        ("at", "31.01.2024", "'31.01.2024' is no timestamp"),
        ("at", "2024-02-30", "is no timestamp"),
        ("at", "1700000000", "is no timestamp"),
        ("kind", "c", "'c' is no 'a' or 'b'"),
        ("more", "x" * 99, f"'{'x' * 39}… is no int"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(rows, column, text, says):
    """Line, column, what stands there and what should."""
    names = CSV.strip().split(",")
    values = dict(zip(names, FIRST.strip().split(","), strict=True)) | {column: text}
    code, message = refused(rows, (CSV + FIRST + ",".join(values.values())).encode(), result=Rows)
    assert code == "wrong-row"
    assert says in message


def test_errors_name_the_first_misfits(apart, rows):
    """And say that there are more."""

    class One(Model):
        n: Int

    class Ones(Model):
        rows: list[One]

    _, message = refused(rows, b"n\n" + b"x\n" * 9, result=Ones)
    assert message.count("is no int") == 5
    assert message.endswith("; and more")


def test_what_is_personal_is_not_repeated_in_an_error(rows):
    """Errors stand in logs."""

    class One(Model):
        born: Annotated[datetime, Field(json_schema_extra={"x-saltern-personal": True})]

    class Ones(Model):
        rows: list[One]

    _, message = refused(rows, b"born\nlong ago\n", result=Ones)
    assert message.endswith('line 2, column "born": what stands there is no timestamp')


def test_a_column_that_is_not_there_is_named(rows):
    """With those that are; one that may be absent need not be there."""

    class One(Model):
        a: str
        b: Maybe[str] = None

    class Ones(Model):
        rows: list[One]

    assert rows(b"a,x,x\n1,2,3\n", result=Ones)[0].a == "1"
    code, message = refused(rows, b"A;c\n1;2\n", "t.csv", result=Ones)
    assert (code, message) == ("missing-column", 't.csv has no column "a"; it has "A", "c"')
    assert refused(rows, b"a,a\n1,2\n", result=Ones)[0] == "duplicate-columns"


def test_unions_take_the_first_that_fits(rows):
    """A text stays a text where it may be one; literals are themselves."""

    class One(Model):
        a: Int | str
        b: Int | Double | None
        c: Exact[Literal[1, 2]]
        d: timedelta
        e: Any

    class Ones(Model):
        rows: list[One]

    (found,) = rows(b"a,b,c,d,e\n5,2,2,PT90M,x\n", result=Ones)
    assert (found.a, found.b, found.c, found.d, found.e) == ("5", 2, 2, timedelta(minutes=90), "x")


BOOK = [
    ["id", "n", "total", "paid", "at", "day", "for", "sum"],
    ["x", 7, 2.5, True, cell(45322.5, MOMENT), cell(45322, DAY), cell(1.25, LENGTH), cell(9, formula="4+5")],
    [" y ", 1e15, -1, False, None, None, None, None],
]


def test_a_workbook_gives_what_excel_last_saw(apart, rows):
    """Whole numbers are ints, days and moments timestamps, formulas what they gave, empty cells null."""
    assert rows(xlsx(BOOK), "a.xlsx") == [
        {
            "id": "x", "n": 7, "total": 2.5, "paid": True, "at": "2024-01-31T12:00:00Z", "day": "2024-01-31T00:00:00Z",
            "for": "PT108000S", "sum": 9,
        },
        {
            "id": " y ", "n": 10**15, "total": -1, "paid": False, "at": None, "day": None, "for": None, "sum": None,
        },
    ]  # fmt: skip


def test_cells_are_read_as_their_column_has_them(rows):
    """A number may be a text or a double; texts are read as those of a CSV are."""

    class One(Model):
        zip: str
        total: Double
        n: Int
        at: datetime
        empty: str | None

    class Ones(Model):
        rows: list[One]

    head = ["zip", "total", "n", "at", "empty", "unread"]
    (found,) = rows(xlsx([head, [10115, 3, "4", cell(45322, DAY), None, "x"]]), result=Ones)
    assert found == One(zip="10115", total=3.0, n=4, at=datetime(2024, 1, 31, tzinfo=UTC), empty=None)
    _, message = refused(rows, xlsx([head, [], ["1", 3, 4.5, "x", None]]), result=Ones)
    assert 'row 3, column "n": 4.5 is no int' in message
    assert "row 3, column \"at\": 'x' is no timestamp" in message


def test_the_first_sheet_is_read_unless_another_is_named(rows):
    """One that is not there is refused with those that are."""
    book = xlsx([["a"], [1]], Other=[["b"], [2]])
    assert rows(book) == [{"a": 1}]
    assert rows(book, sheet="Other") == [{"b": 2}]
    code, message = refused(rows, book, sheet="Third")
    assert code == "no-such-sheet"
    assert "'Sheet1', 'Other'" in message
    assert refused(rows, b"a\n1", sheet="Other")[0] == "no-such-sheet"


def test_a_table_may_begin_anywhere_on_its_sheet(rows):
    """Rows are counted as Excel does."""
    made = packed(xlsx_parts({"S": sheet_of([["a", "b"], [1, 2], [], [3, 4, 5]], first=(3, 2))}))
    code, message = refused(rows, made)
    assert code == "empty-header"
    assert "row 6 has a value in column E, which has no name" in message
    made = packed(xlsx_parts({"S": sheet_of([["a", "b"], [1, 2]], first=(3, 2))}))
    assert rows(made) == [{"a": 1, "b": 2}]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (xlsx([["a", "a"], [1, 2]]), "duplicate-columns"),
        (xlsx([]), "no-rows"),
        (xlsx([["a"], [cell(float("nan"))]]), "wrong-row"),
        (xlsx([["a"], [cell(float("inf"))]]), "wrong-row"),
        (xlsx([[""]]), "no-rows"),
        (packed({"xl/workbook.xml": "<workbook/>"}), "unreadable"),
    ],
)
def test_a_workbook_without_a_table_is_refused(rows, content, code):
    """By what is wrong with it."""
    assert refused(rows, content)[0] == code


LINES = b'{"id": 1, "deep": {"a": [1.5, null]}}\n\n{"id": 9223372036854775807, "more": "\\u0000"}\r\n'


def test_json_lines_give_their_objects(apart, rows):
    """As they are, told by the first line or by the name; blank lines say nothing."""
    expected = [{"id": 1, "deep": {"a": [1.5, None]}}, {"id": 2**63 - 1, "more": "\0"}]
    assert rows(LINES) == expected
    assert rows(LINES, "a.jsonl") == expected
    assert rows(b"\xef\xbb\xbf" + LINES, "it", "application/x-ndjson") == expected
    assert rows(b"", "a.jsonl") == []


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ('{"a": NaN}', "malformed-json", "line 2"),
        ('{"a": 1e999}', "malformed-json", "line 2"),
        ('{"a": "\\ud800"}', "malformed-json", "half of a surrogate pair"),
        ('{"a": 9223372036854775808}', "wrong-row", "line 2 holds an integer of more than 64 bits"),
        ("[1]", "wrong-row", "line 2 is no object"),
        ("{", "malformed-json", "line 2 is not JSON"),
        ('{"a": ' + "[" * 70 + "]" * 70 + "}", "nested-too-deeply", "line 2 nests more than 64 levels"),
        ('{"a": ' + "[" * 100_000, "nested-too-deeply", "line 2 nests"),
    ],
)
def test_a_line_that_is_no_row_is_named(rows, line, code, says):
    """By its number."""
    found, message = refused(rows, f'{{"a": 1}}\n{line}\n'.encode())
    assert (found, says in message) == (code, True), message


def test_json_that_is_not_an_object_a_line_is_refused(rows):
    """Rather than read as a CSV of braces."""
    for written in (b'[{"a": 1}]', b'{\n "a": 1\n}'):
        assert refused(rows, written, "a.json")[0] == "wrong-type"


def test_lines_are_rows_of_their_type(rows):
    """As they are: a text is no number here, since JSON has both."""

    class One(Model):
        id: Int
        at: datetime | None

    class Ones(Model):
        rows: list[One]

    (found,) = rows(b'{"id": 1, "at": "2024-01-31T00:00:00Z", "unread": 2}\n', result=Ones)
    assert found == One(id=1, at=datetime(2024, 1, 31, tzinfo=UTC))
    _, message = refused(rows, b'{"id": 1, "at": null}\n{"id": "1", "at": null}\n{"at": null}\n', result=Ones)
    assert 'line 2, column "id"' in message
    assert 'line 3, column "id": Field required' in message


@pytest.mark.parametrize("delimiter", ["", ";;", '"', "\n", " "])
def test_a_delimiter_that_is_none_is_a_bad_value(rows, delimiter):
    """An empty one counts as none given."""
    if delimiter:
        assert refused(rows, b"a;b\n1;2", delimiter=delimiter)[0] == "bad-values"
    else:
        assert rows(b"a;b\n1;2", delimiter=delimiter) == [{"a": "1", "b": "2"}]


def test_a_cell_is_what_the_helper_says():
    """The helpers of these tests make what they are asked for."""
    assert cell(1, DAY) == Cell('s="1"><v>1</v>')
