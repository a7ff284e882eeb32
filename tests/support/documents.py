"""Small real files of each kind, made by hand."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def pdf(*pages: str, prefix: bytes = b"", trailer: str = "") -> bytes:
    """Return a PDF whose pages show these lines."""
    objects: list[bytes] = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    kids = []
    for page in pages:
        shown = " 0 -14 Td ".join(f"({_escaped(line)}) Tj" for line in page.split("\n"))
        stream = f"BT /F1 12 Tf 72 700 Td {shown} ET".encode("cp1252")
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R >> >> >>" % len(objects)
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Count {len(pages)} /Kids [{' '.join(kids)}] >>".encode()
    return pdf_of(objects, prefix=prefix, trailer=trailer)


def pdf_of(objects: Sequence[bytes], *, prefix: bytes = b"", trailer: str = "") -> bytes:
    """Return a PDF of objects, numbered from 1; the first one is its catalog."""
    made = bytearray(prefix + b"%PDF-1.7\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(made)
    made += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    made += b"".join(b"%010d 00000 n \n" % place for place in places)
    made += f"trailer << /Size {len(objects) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{table}\n%%EOF\n".encode()
    return bytes(made)


def _escaped(line: str) -> str:
    return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def packed(parts: Mapping[str, str | bytes]) -> bytes:
    """Return a ZIP archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def _types(*parts: tuple[str, str]) -> str:
    named = "".join(f'<Override PartName="/{name}" ContentType="{kind}"/>' for name, kind in parts)
    return (
        f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{named}</Types>'
    )


def _rels(*targets: tuple[str, str]) -> str:
    each = "".join(
        f'<Relationship Id="rId{number}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{each}</Relationships>'


def docx_parts(body: str, before: str = "") -> dict[str, str | bytes]:
    """Return the parts of a Word document with this body (WordprocessingML, prefix `w`)."""
    document = f'<?xml version="1.0"?>{before}<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'
    return {
        "[Content_Types].xml": _types(("word/document.xml", f"{DOCX}.main+xml")),
        "_rels/.rels": _rels(("officeDocument", "word/document.xml")),
        "word/document.xml": document,
    }


def docx(*paragraphs: str) -> bytes:
    """Return a Word document of paragraphs."""
    return packed(docx_parts("".join(paragraph(text) for text in paragraphs)))


def paragraph(text: str) -> str:
    """Return a paragraph of a Word document."""
    return f"<w:p><w:r><w:t>{escape(text)}</w:t></w:r></w:p>"


def xlsx(rows: Sequence[Sequence[object]], **others: Sequence[Sequence[object]]) -> bytes:
    """Return a workbook: a sheet `Sheet1`, and others by their names. A value is a number, a text, or a cell as `cell` makes one."""
    sheets = {"Sheet1": rows, **others}
    return packed(xlsx_parts({name: sheet_of(each) for name, each in sheets.items()}))


def xlsx_parts(sheets: Mapping[str, str]) -> dict[str, str | bytes]:
    """Return the parts of a workbook, its sheets as SpreadsheetML."""
    files = [f"worksheets/sheet{number}.xml" for number in range(1, len(sheets) + 1)]
    listed = "".join(f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="rId{n}"/>' for n, name in enumerate(sheets, 1))
    styles = (
        f'<styleSheet xmlns="{SHEET}"><numFmts count="1"><numFmt numFmtId="165" formatCode="[h]:mm:ss"/></numFmts>'
        '<cellXfs count="4"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="165"/></cellXfs></styleSheet>'
    )
    return {
        "[Content_Types].xml": _types(("xl/workbook.xml", f"{XLSX}.main+xml")),
        "_rels/.rels": _rels(("officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f'<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _rels(*(("worksheet", file) for file in files), ("styles", "styles.xml")),
        "xl/styles.xml": styles,
        **{f"xl/{file}": made for file, made in zip(files, sheets.values(), strict=True)},
    }


class Cell(str):
    """What stands within a cell's element, and its attributes: `s="1"><v>45000</v>`."""

    __slots__ = ()


DAY, MOMENT, LENGTH = 1, 2, 3
"""Formats of `cell`."""


def cell(number: float, style: int = 0, formula: str = "") -> Cell:
    """Return a number that is shown as a day, a moment or a length of time, or that a formula gave."""
    return Cell(f's="{style}">{f"<f>{formula}</f>" if formula else ""}<v>{number}</v>')


def sheet_of(rows: Sequence[Sequence[object]], first: tuple[int, int] = (1, 0), before: str = "") -> str:
    """Return a sheet whose first cell stands in this row (from 1) and column (from 0)."""
    row_of, column_of = first
    made = ""
    for number, row in enumerate(rows, row_of):
        cells = "".join(
            f'<c r="{chr(ord("A") + place)}{number}" {_inner(value)}</c>'
            for place, value in enumerate(row, column_of)
            if value is not None
        )
        made += f'<row r="{number}">{cells}</row>'
    return f'<?xml version="1.0"?>{before}<worksheet xmlns="{SHEET}"><sheetData>{made}</sheetData></worksheet>'


def _inner(value: object) -> str:
    if isinstance(value, Cell):
        return value
    if isinstance(value, bool):
        return f't="b"><v>{int(value)}</v>'
    if isinstance(value, int | float):
        return f"><v>{value}</v>"
    return f't="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is>'
