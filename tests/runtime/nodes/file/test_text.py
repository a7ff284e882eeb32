"""file.text: what is read of documents of each kind."""

import pytest

from saltern_runtime.errors import PermanentError
from saltern_runtime.files import File
from saltern_runtime.nodes import file
from tests.support.documents import docx, docx_parts, packed, paragraph, pdf, pdf_of, xlsx

pytestmark = pytest.mark.usefixtures("here")
PAGE = b"""<!DOCTYPE html>
<html><head><title>The title</title><style>p { color: red }</style></head>
<body><script>var hidden = "<p>no</p>"</script><noscript>no</noscript>
<h1>A
  heading</h1><p>One <b>bo</b>ld word &amp; more<br>and a line</p>
<ul><li>first<li>second<ol><li>inner</ol></ul>
<table><tr><th>a<th>b<tr><td>1<td><p>2</p></table>
<div style="display: none">no</div><div hidden>no</div><!-- no --><p>last
"""
SEEN = "A heading\n\nOne bold word & more\nand a line\n\n- first\n- second\n  1. inner\n\na\tb\n1\t2\n\nlast"


def test_a_pdf_gives_the_text_of_its_pages(apart, text):
    """Lines as they stand in it, a blank line between pages, and how many there are."""
    found = text(pdf("Invoice (17)\ntotal 12,50 \u20ac", "", "end"), "a.pdf")
    assert found.text == "Invoice (17)\ntotal 12,50 \u20ac\n\nend"
    assert found.pages == 3


def test_a_pdf_may_begin_after_other_bytes(text):
    """As readers of PDF do, its mark is looked for in the first KiB."""
    assert text(pdf("here", prefix=b"\r\n\0junk" * 20)).text == "here"


def test_a_text_that_speaks_of_pdf_is_a_text(text):
    """A mark that stands within what is said to be text makes no PDF of it."""
    assert text(b"a PDF begins with %PDF-1.7", "notes.txt").text == "a PDF begins with %PDF-1.7"


def test_a_pdf_of_a_picture_has_no_text(text):
    """A page without text is a page all the same; nothing is recognised."""
    assert (text(pdf("")).text, text(pdf("")).pages) == ("", 1)


def test_a_word_document_gives_what_is_read_in_it(apart, text):
    """Tables, what was inserted and links; not what was struck out, and no codes of fields."""
    table = (
        f"<w:tbl><w:tr><w:tc>{paragraph('a')}</w:tc><w:tc>{paragraph('b')}</w:tc></w:tr>"
        f"<w:tr><w:tc>{paragraph('1')}</w:tc><w:tc>{paragraph('2')}</w:tc></w:tr></w:tbl>"
    )
    changed = (
        "<w:p><w:r><w:t xml:space='preserve'>kept </w:t></w:r><w:ins w:id='1'><w:r><w:t>added</w:t></w:r></w:ins>"
        "<w:del w:id='2'><w:r><w:delText>struck</w:delText></w:r></w:del></w:p>"
    )
    found = text(packed(docx_parts(paragraph("Hello <b> & 中") + table + changed)), "a.docx")
    assert found.text == "Hello <b> & 中\n\na\tb\n1\t2\n\nkept added"
    assert found.pages == 1


def test_a_page_gives_what_is_seen_of_it(apart, text):
    """No scripts, no styles, nothing hidden; lines where a browser breaks them."""
    assert text(PAGE).text == SEEN
    assert text(PAGE, "page.html").text == SEEN


def test_a_table_that_lays_out_a_page_keeps_its_lines(text):
    """Cells hold paragraphs of their own."""
    assert text(b"<html><body><table><tr><td><p>a</p><p>b</p></td><td>c</td></tr></table>").text == "a\n\nb\tc"


def test_a_fragment_is_a_page_where_it_is_said_to_be_one(text):
    """Text with tags is text, unless its name or its type says that it is HTML."""
    assert text(b"<p>a</p>", "a.md").text == "<p>a</p>"
    assert text(b"<p>a</p>", "a.html").text == "a"
    assert text(b"<p>a</p>", "it", "text/html; charset=utf-8").text == "a"


def test_markdown_and_plain_text_stay_as_they_are(apart, text):
    """Every character of them."""
    written = "# Title\n\n* a\r\n\tb  \n"
    assert text(written.encode(), "a.md").text == written


@pytest.mark.parametrize(
    ("written", "encoding"),
    [
        ("Grüße", "utf-8"),
        ("Grüße", "utf-8-sig"),
        ("Grüße 中", "utf-16"),
        ("Das Gerät läuft für die Größe der Straße über Köln zurück.", "latin-1"),
        ("这是一个用于测试的中文文件。它的内容不长。", "gbk"),
    ],
)
def test_texts_are_read_in_their_encoding(text, written, encoding):
    """By their mark, as UTF-8, or by what they look like."""
    assert text(written.encode(encoding), "a.txt").text == written


def test_a_page_is_read_in_the_charset_that_it_names(text):
    """As a browser reads it."""
    page = "<html><head><meta charset=windows-1251></head><body>да".encode("cp1251")
    assert text(page).text == "да"


CAFE = "naïve café, touché \u2013 rés"


@pytest.mark.parametrize(
    ("written", "charset"),
    [
        (CAFE, "windows-1252"),
        (CAFE.replace("\u2013", "-"), '"ISO-8859-1"'),
        ("ąś", "iso-8859-2"),
        ("да", "koi8-r"),
        ("中文", "utf-16le"),
    ],
)
@pytest.mark.parametrize("kind", ["text/plain; charset={}", "text/markdown;CHARSET={};x=1"])
def test_a_text_is_read_in_the_charset_that_its_type_says(text, written, charset, kind):
    """It is said by whoever sent it; nothing is guessed."""
    content = written.encode(charset.strip('"'))
    assert text(content, "a.txt", kind.format(charset)).text == written


@pytest.mark.parametrize("charset", ["utf-8", "klingon", "hex", "utf-16"])
def test_a_charset_that_does_not_explain_the_bytes_counts_for_nothing(text, charset):
    """What is said is held against the bytes; the mark of an encoding says more than the type does."""
    written = "Das Gerät läuft für die Größe der Straße über Köln zurück!"
    content = written.encode("latin-1")
    content = content[:-1] if charset == "utf-16" and len(content) % 2 == 0 else content
    assert text(content, "a.txt", f"text/plain; charset={charset}").text == content.decode("latin-1")
    assert text(written.encode("utf-8-sig"), "a.txt", "text/plain; charset=latin-1").text == written


def test_of_a_page_the_type_is_asked_before_the_page(text):
    """As a browser does: the mark, then what the server says, then what the page says of itself."""
    page = "<html><head><meta charset=windows-1251></head><body>да"
    assert text(page.encode("koi8-r"), "a.html", "text/html; charset=koi8-r").text == "да"
    assert text(page.encode("utf-8-sig"), "a.html", "text/html; charset=koi8-r").text == "да"
    assert text(page.encode("cp1251"), "a.html", "text/html").text == "да"


def test_a_text_that_speaks_of_charsets_declares_none(text):
    """Only a page does so of itself; XML as well."""
    written = "Pages of old say `<meta charset=windows-1251>`: да"
    assert text(written.encode(), "a.md").text == written
    assert text(written.encode(), "it").text == written
    xml = "<?xml version='1.0' encoding='windows-1251'?><a>да</a>"
    assert text(xml.encode("cp1251"), "a.xml").text == xml


def test_the_encoding_that_is_asked_for_holds(text):
    """Whatever else says another one."""
    assert text("Å".encode("cp850"), "a.txt", "text/plain; charset=utf-8", encoding="cp850").text == "Å"
    page = "<html><meta charset=utf-8><body>да"
    assert text(page.encode("koi8-r"), "a.html", encoding="koi8-r").text == "да"
    with pytest.raises(PermanentError, match="byte 2 of it is not utf-8") as refused:
        text(b"a\xff", "a.txt", encoding="utf-8")
    assert refused.value.code == "wrong-encoding"
    with pytest.raises(PermanentError, match="there is no encoding 'klingon'") as refused:
        text(b"a", "a.txt", encoding="klingon")
    assert refused.value.code == "bad-values"


def test_a_wide_text_without_a_mark_is_refused_with_what_to_do(text):
    """Zeros between letters are UTF-16 that does not say so."""
    content = "a wide text".encode("utf-16-le")
    with pytest.raises(PermanentError, match=r"NUL at character 2.*`encoding: ") as refused:
        text(content, "a.txt")
    assert refused.value.code == "unsupported-type"
    assert text(content, "a.txt", encoding="utf-16-le").text == "a wide text"


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.txt", "a.html"])
def test_an_empty_file(text, name):
    """It is an empty text, unless it says that it is a document."""
    if name.endswith((".pdf", ".docx")):
        with pytest.raises(PermanentError, match="its bytes are text") as refused:
            text(b"", name)
        assert refused.value.code == "wrong-type"
    else:
        assert text(b"", name).text == ""


@pytest.mark.parametrize(
    ("content", "name", "code", "says"),
    [
        (b"no pdf", "a.pdf", "wrong-type", "says that it is a PDF, but its bytes are text"),
        (docx("x"), "a.pdf", "wrong-type", "says that it is a PDF, but its bytes are a Word document"),
        (pdf("x"), "a.docx", "wrong-type", "says that it is a Word document, but its bytes are a PDF"),
        (xlsx([["a"]]), "a.xlsx", "wrong-type", "it is an Excel workbook; it may be a PDF, a Word document"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "a.txt", "unsupported-type", "it is a PNG image; it may be a PDF"),
        (b"\x7fELF" + bytes(50), "a.pdf", "unsupported-type", "it is a program"),
        (b"MZ\x90\0" + bytes(50), "a.docx", "unsupported-type", "it is a program"),
        (b"\x1f\x8b\x08" + bytes(50), "a", "unsupported-type", "compressed by gzip"),
        (b"{\\rtf1 x}", "a.doc", "unsupported-type", "an RTF document"),
        (packed({"a.txt": "x"}), "a.zip", "unsupported-type", "it is a ZIP archive"),
        (packed({}), "a.zip", "unsupported-type", "an empty ZIP archive"),
        (packed({"ppt/presentation.xml": "x"}), "a.pptx", "unsupported-type", "a PowerPoint presentation"),
        (packed({"META-INF/manifest.xml": "x"}), "a.odt", "unsupported-type", "an OpenDocument file"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(999), "a.doc", "unsupported-type", "an old Office"),
        (
            bytes.fromhex("d0cf11e0a1b11ae1") + bytes(999) + "EncryptedPackage".encode("utf-16-le"),
            "a.docx",
            "encrypted",
            "protected by a password",
        ),
        (b"a\0b", "a.txt", "unsupported-type", "it holds NUL at character 2"),
        (bytes(range(1, 32)) * 9, "a.txt", "unsupported-type", "control character 1"),
        (b"%PDF-1.7\nnothing more", "a.pdf", "unreadable", "begins as a PDF"),
        (pdf_of([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 0 /Kids [] >>"]), "a.pdf", "unreadable", "PDF"),
    ],
)  # fmt: skip
def test_what_is_no_document_is_refused_by_name(text, content, name, code, says):
    """The error says what it is, and what may be given."""
    with pytest.raises(PermanentError) as refused:
        text(content, name)
    assert refused.value.code == code
    assert says in refused.value.message


def test_an_encrypted_pdf_is_refused(text):
    """Its text is behind a password that nobody gave."""
    filter_ = f"<< /Filter /Standard /V 1 /R 2 /O <{'11' * 32}> /U <{'22' * 32}> /P -4 >>"
    locked = pdf("secret", trailer=f"/Encrypt {filter_} /ID [<00><00>]")
    with pytest.raises(PermanentError) as refused:
        text(locked)
    assert refused.value.code == "encrypted"


def test_a_pdf_with_more_pages_than_it_may_have_is_refused_not_cut(text):
    """As many as max_pages are read."""
    assert text(pdf("a", "b"), max_pages=2).pages == 2
    with pytest.raises(PermanentError, match="it has 3 pages; max_pages is 2") as refused:
        text(pdf("a", "b", "c"), max_pages=2)
    assert refused.value.code == "too-many-pages"


def test_more_text_than_a_value_may_have_is_refused(apart, context):
    """Also where it is of one page; the error says what counts, what the limit is called, and what to do."""
    for content in (b"x" * 1001, pdf(*["x" * 50] * 40)):
        with pytest.raises(PermanentError) as refused:
            file.text(context(max_payload=1000, seconds=600), file=File.of("a", content))
        assert refused.value.code == "too-large"
        assert refused.value.message == (
            "a cannot be read: its text has more than the 1000 bytes that a value may have, counted as JSON; "
            "have SALTERN_MAX_PAYLOAD raised by whoever runs the service"
        )


def test_no_page_at_all_is_a_bad_value(text):
    """Before anything is read."""
    with pytest.raises(PermanentError) as refused:
        text(b"", max_pages=0)
    assert refused.value.code == "bad-values"
