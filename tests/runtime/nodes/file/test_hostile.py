"""Files that are made to harm: each is refused for what it is, by the process that would have read it or by its limits."""

import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from saltern_runtime.errors import PermanentError
from saltern_runtime.files import File
from saltern_runtime.nodes import file
from saltern_runtime.nodes.file import apart
from tests.support.documents import docx, docx_parts, packed, paragraph, pdf, pdf_of, sheet_of, xlsx, xlsx_parts
from tests.support.effort import LONG, tries

LAUGHS = "<!DOCTYPE l [<!ENTITY a 'lol'>" + "".join(
    f"<!ENTITY {name} '{f'&{before};' * 10}'>" for before, name in zip("abcdefghi", "bcdefghij", strict=True)
) + "]>"  # fmt: skip
OUTSIDE = "<!DOCTYPE l [<!ENTITY j SYSTEM 'file:///etc/passwd'>]>"
CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"


def refused(read, *given_, **named):
    with pytest.raises(PermanentError) as found:
        read(*given_, **named)
    assert "Traceback" not in found.value.message
    return found.value.code


def code_of(read, *given_, **named):
    """Return the code of the error that reading gives; empty where it gives a value."""
    try:
        read(*given_, **named)
    except PermanentError as error:
        return error.code
    return ""


def bomb(name, size, **others):
    """Return an archive with a part that unpacks to so many bytes of spaces."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, content in {"word/document.xml": "<a/>", **others}.items():
            archive.writestr(each, content)
        with archive.open(name, "w", force_zip64=True) as part:
            for _ in range(size >> 20):
                part.write(b" " * (1 << 20))
    return out.getvalue()


def test_an_archive_that_unpacks_to_far_more_is_a_bomb(text, rows):
    """Told while it unpacks, for documents and workbooks."""
    assert refused(text, bomb("word/media/a.bin", 100 << 20)) == "too-large"
    sheet = sheet_of([["a"]]).replace("<sheetData>", "<sheetData>" + " " * (64 << 20))
    assert refused(rows, packed(xlsx_parts({"S": sheet}))) == "too-large"


def test_an_archive_that_says_too_little_of_its_parts_is_damaged_or_a_bomb(text):
    """What it claims to unpack to counts for nothing."""
    honest = bomb("word/media/a.bin", 100 << 20)
    size = struct.pack("<I", 100 << 20)
    assert refused(text, honest.replace(size, struct.pack("<I", 10))) in ("too-large", "unreadable")


def test_an_archive_of_very_many_parts_is_refused(text):
    """They would take time and memory, however small they are."""
    parts = {f"word/{number}": "" for number in range(10_001)}
    assert refused(text, packed({"word/document.xml": "", **parts})) == "too-large"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_with_two_parts_of_one_name_is_refused(text):
    """Readers would disagree on which one is meant."""
    out = io.BytesIO(docx("shown"))
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("word/document.xml", "other")
    assert refused(text, out.getvalue()) == "unreadable"


def test_an_archive_with_a_password_is_refused(text):
    """By its flag; nobody gave a password."""
    with_flag = bytearray(docx("x"))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = with_flag.find(mark)
        while place >= 0:
            with_flag[place + at] |= 1
            place = with_flag.find(mark, place + 1)
    assert refused(text, bytes(with_flag)) == "encrypted"


@pytest.mark.parametrize("before", [LAUGHS, OUTSIDE], ids=["laughs", "outside"])
def test_entities_are_not_resolved(text, rows, before):
    """Neither those that grow nor those that read other files: no Office file declares any."""
    document = docx_parts("<w:p><w:r><w:t>&j;</w:t></w:r></w:p>", before)
    assert refused(text, packed(document)) == "unreadable"
    wide = dict(document)
    wide["word/document.xml"] = str(document["word/document.xml"]).replace('<?xml version="1.0"?>', "").encode("utf-16")
    assert refused(text, packed(wide)) == "unreadable"
    sheet = sheet_of([["a"], ["EVIL"]], before=before).replace("EVIL", "&j;")
    assert refused(rows, packed(xlsx_parts({"S": sheet}))) == "unreadable"


def test_entities_of_a_page_are_its_text(text):
    """HTML has none but its own."""
    assert "root:" not in text(f"{OUTSIDE}<html><body>&j;</body></html>".encode(), "a.html").text


def test_a_picture_of_a_document_that_lies_elsewhere_is_not_fetched(text, tmp_path):
    """A relation to a file outside is followed by nobody."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    parts = docx_parts(paragraph("a"))
    parts["word/_rels/document.xml.rels"] = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
        f'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/image" Target="{secret.as_uri()}" '
        'TargetMode="External"/></Relationships>'
    )
    assert text(packed(parts)).text == "a"


def test_ten_thousand_pages_are_refused(text):
    """They are counted, not read."""
    content = pdf(*["x"] * 10_000)
    assert refused(text, content) == "too-many-pages"


def test_a_pdf_that_lies_about_its_pages(text):
    """A count that nothing stands behind makes no pages, and none that are read without end."""
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"
    counts = {count: b"<< /Type /Pages /Count %d /Kids [3 0 R] >>" % count for count in (2**31 - 1, -1, 400)}
    assert text(pdf_of([CATALOG, counts[2**31 - 1], page])).pages == 1
    assert text(pdf_of([CATALOG, counts[-1], page])).pages == 1
    assert refused(text, pdf_of([CATALOG, counts[400], page])) == "unreadable"


@pytest.mark.parametrize(
    "objects",
    [
        [CATALOG, b"<< /Type /Pages /Count 1 /Kids [2 0 R] >>"],
        [CATALOG, b"2 0 R"],
        [CATALOG, b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>", b"<< /Type /Pages /Count 1 /Kids [2 0 R] /Parent 3 0 R >>"],
        [CATALOG, b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>", b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>",
         b"<< /Length 4 0 R >>\nstream\nBT ET\nendstream"],
        [CATALOG, b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>", b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>", b"[4 0 R 4 0 R]"],
        [CATALOG, b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>" + b"[" * 100_000],
    ],
    ids=["own-kid", "itself", "each-other", "length", "contents", "deep"],
)  # fmt: skip
def test_a_pdf_whose_objects_lead_to_themselves_ends(text, objects):
    """With what it holds, or refused."""
    assert code_of(text, pdf_of(objects)) in ("", "unreadable")


def forms(levels: int) -> bytes:
    """Return a PDF whose page draws a form twice, which draws one twice, and so on."""
    objects = [CATALOG, b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>"]
    inner = b"/Resources << /XObject << /X %d 0 R >> >>"
    objects.append(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R " + inner % 5 + b" >>")
    objects.append(b"<< /Length 13 >>\nstream\n/X Do\n/X Do\n \nendstream")
    for number in range(6, 6 + levels):
        form = b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length 11 " + inner % number + b" >>"
        objects.append(form + b"\nstream\n/X Do /X Do\nendstream")
    objects.append(b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length 1 >>\nstream\n \nendstream")
    return pdf_of(objects)


def test_a_pdf_that_draws_without_end_is_out_of_time(text, monkeypatch):
    """What takes too much of a processor is refused for good."""
    monkeypatch.setattr(apart, "CPU", 1)
    assert text(forms(2)).text == ""
    assert refused(text, forms(24)) == "too-large"


def test_a_pdf_whose_streams_unpack_without_end_ends(text):
    """As far as its parser unpacks them, or out of memory."""
    stream = zlib.compress(zlib.compress(b"A" * (400 << 20), 9), 9)
    head = b"<< /Filter [/FlateDecode /FlateDecode] /Length %d >>" % len(stream)
    content = pdf_of(
        [
            CATALOG,
            b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>",
            head + b"\nstream\n" + stream + b"\nendstream",
        ]
    )
    assert code_of(text, content) in ("", "too-large")


@pytest.mark.parametrize(
    ("where", "code"), [("XFD1048576", "too-large"), ("XFD2", "empty-header"), ("ZZZZZZ99999999999", "unreadable")]
)
def test_a_workbook_that_claims_all_cells_ends(rows, where, code):
    """Two cells, as far apart as there are any, or farther."""
    sheet = sheet_of([["a"]]).replace("</sheetData>", f'<row r="2"><c r="{where}"><v>1</v></c></row></sheetData>')
    assert refused(rows, packed(xlsx_parts({"S": sheet}))) == code


def test_a_row_far_down_is_a_row(rows):
    """Whatever is between is empty."""
    sheet = sheet_of([["a"]]).replace("</sheetData>", '<row r="9"><c r="A1048576"><v>1</v></c></row></sheetData>')
    assert rows(packed(xlsx_parts({"S": sheet}))) == [{"a": 1}]


def test_a_dimension_that_claims_all_cells_is_not_believed(rows):
    """What counts is the cells that are there."""
    sheet = sheet_of([["a"], [1]]).replace("<sheetData>", '<dimension ref="A1:XFD1048576"/><sheetData>')
    assert rows(packed(xlsx_parts({"S": sheet}))) == [{"a": 1}]


def test_a_field_without_end_is_too_large(rows):
    """Rather than kept until the file is over; so is a quote that opens it."""
    assert refused(rows, b"a,b\n" + b"x" * (3 << 20)) in ("too-large", "wrong-row")
    assert refused(rows, b'a,b\n1,"' + b"x\n" * (2 << 20)) == "too-large"


def test_a_row_of_very_many_fields_ends(rows):
    """A header of a million columns is more than a value may hold."""
    assert refused(rows, b"," * (1 << 20)) == "empty-header"
    assert refused(rows, b",".join(b"%d" % number for number in range(300_000)) + b"\n") == "too-large"


def test_a_page_that_nests_without_end_is_refused(text):
    """However it does so."""
    assert refused(text, b"<html>" + b"<div>" * 100_000, "a.html") == "nested-too-deeply"
    assert text(b"<html><body>" + b"<div>" * 4_000 + b"deep", "a.html").text == "deep"
    assert text(b"<html><body>" + b"<p>x" * 20_000, "a.html").text.count("x") == 20_000
    assert text(b"<html><body>" + b"<b><i>" * 10_000 + b"x", "a.html").text == "x"


def test_a_tag_with_a_million_attributes_is_out_of_time(text, monkeypatch):
    """Its parser takes the square of their number."""
    monkeypatch.setattr(apart, "CPU", 2)
    attributes = b" ".join(b"a%d=1" % number for number in range(1_000_000))
    assert refused(text, b"<html><body><p " + attributes + b">x", "a.html") == "too-large"


@pytest.mark.parametrize("sibling", [b"<i>a</i>", b"<br>", b"<p hidden>a</p>"])
def test_many_siblings_are_read(text, sibling):
    """They are wide, not deep: a million of them (in the short form 200,000)."""
    many = 1_000_000 if LONG else 200_000
    found = text(b"<html><body>" + sibling * many + b"end", "a.html").text
    assert found.count("a") == (many if sibling == b"<i>a</i>" else 0)
    assert found.endswith("end")


def test_a_page_that_nothing_closes_is_read(text):
    """Brackets without end, and a tag that is never over."""
    assert refused(text, b"<html>" + b"<" * (10 << 20), "a.html") == "too-large"
    assert text(b"<html><body>x<p " + b"meta " * 100_000, "a.html").text == "x"


@pytest.mark.parametrize("inner", [b"x", b'""', b"x\n", b"\r"])
def test_a_quoted_field_of_40_mib_is_too_large(rows, inner):
    """Closed or not; a short one that is never closed is no CSV, and the error says where it begins."""
    field = inner * ((40 << 20) // len(inner))
    assert refused(rows, b'a,b\n1,"' + field + b'"\n') == "too-large"
    assert refused(rows, b'a,b\n1,"' + field) == "too-large"
    with pytest.raises(PermanentError, match="begins in line 2 is no CSV: a quote is never closed"):
        rows(b'a,b\n1,"' + inner * 1000)


def test_json_lines_of_very_many_levels_are_refused(rows):
    """Whether a name says that they are JSON Lines, or the first line shows it: they are no CSV of one strange column."""
    deep = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"
    assert refused(rows, b'{"a": 1}\n' + deep, "a.jsonl") == "nested-too-deeply"
    assert refused(rows, deep, "a.jsonl") == "nested-too-deeply"
    assert refused(rows, deep) == "nested-too-deeply"
    assert refused(rows, b'{"a":' * 100_000) == "nested-too-deeply"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("written", ["a,b\n1,2\n", "\u540d\u5b57,\u57ce\u5e02\n\u738b\u4f1f,\u5317\u4eac\u5e02\n"])
def test_utf_16_without_a_mark_is_read_right_or_refused(rows, written, encoding):
    """Never as other characters; the error names the parameter that helps."""
    content, right = written.encode(encoding), rows(written.encode())
    said = ""
    try:
        found = rows(content, "a.csv")
    except PermanentError as error:
        found, said = right, error.message
    assert found == right
    assert not said or "`encoding" in said
    assert rows(content, encoding=encoding) == right


def test_a_page_that_begins_with_comments_without_end_is_told_at_once(text):
    """Many comments, and then no page: there is one way to read them."""
    assert text(b"<!-- a -->" * 5_000 + b"x", "a.txt").text.endswith("x")
    assert text(b"<!-- a -->" * 5_000 + b"<html><body>x", "a.txt").text == "x"


def test_a_page_that_its_parser_has_no_memory_for_is_too_large(text, monkeypatch):
    """A tree takes many times what the text takes."""
    monkeypatch.setattr(apart, "MEMORY", 200 << 20)
    assert refused(text, b"<html>" + b"<p>a</p>" * (1 << 20), "a.html") == "too-large"


def test_a_document_that_nests_without_end_is_refused(text):
    """A parser of XML is recursive somewhere."""
    body = "<w:tbl><w:tr><w:tc>" * 5_000 + "</w:tc></w:tr></w:tbl>" * 5_000
    assert refused(text, packed(docx_parts(body))) in ("nested-too-deeply", "unreadable")


def test_half_a_surrogate_pair_is_no_character(text, rows):
    """Wherever it comes from, nothing that no store can hold comes out."""
    for content in (b"a\xed\xa0\x80b" * 20, "a".encode("utf-16") + b"\x00\xd8" + "b".encode("utf-16-le")):
        assert code_of(lambda it: text(it, "a.txt").text.encode(), content) in ("", "unsupported-type")
    lone = sheet_of([["a"], ["x_xD800_y_x0000_"]])
    for row in rows(packed(xlsx_parts({"S": lone}))):
        row["a"].encode()


def test_more_bytes_than_are_read_are_refused_before_they_are(text, monkeypatch):
    """By what the file says, and by what comes."""
    monkeypatch.setattr(apart, "MAX_BYTES", 10)
    assert refused(text, b"x" * 11) == "too-large"


def read_both(context, content: bytes, name: str) -> None:
    """Read bytes as both nodes do: a value, or an error about the file; everything else is raised."""
    for read in (file.text, file.rows):
        found = code_of(read, context(seconds=600), file=File.of(name, content))
        assert found not in ("no-reader", "bad-values")


@given(content=st.binary(max_size=2000), name=st.sampled_from(["a", "a.pdf", "a.csv", "a.jsonl", "a.html"]))
@how(max_examples=tries(6, 60), deadline=None)
def test_any_bytes_give_a_value_or_an_error_of_the_file(context_once, content, name):
    """Whatever they are."""
    read_both(context_once, content, name)


VALID = {
    "a.pdf": pdf("Hello", "world"),
    "a.docx": docx("Hello", "world"),
    "a.xlsx": xlsx([["id", "n"], ["x", 1], ["y", 2.5]]),
    "a.html": b"<!doctype html><html><body><p>Hello<table><tr><td>x</table>",
    "a.csv": b'id;n\n1;"a;b"\n2;c\n',
    "a.jsonl": b'{"id": 1, "n": [1, 2.5, null]}\n{"id": 2}\n',
}


@given(name=st.sampled_from(sorted(VALID)), data=st.data())
@how(max_examples=tries(8, 120), deadline=None)
def test_valid_files_with_some_bytes_changed_give_a_value_or_an_error_of_the_file(context_once, name, data):
    """Bytes changed, cut off, or put in twice."""
    content = bytearray(VALID[name])
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(content))] * 2)))
    what = data.draw(st.sampled_from(["as-it-is", "cut", "twice"]))
    cut = {"as-it-is": bytes(content), "cut": bytes(content[:end]), "twice": bytes(content[:end] + content[start:])}
    read_both(context_once, cut[what], name)
