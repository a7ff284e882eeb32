"""PDF: the text of its pages, in the order in which it stands in the file."""

from __future__ import annotations

import re
from typing import BinaryIO, Final

from saltern_runtime.nodes.file.refusal import Budget, Refusal

_PASSWORD: Final = frozenset({4, 5})
"""FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY."""
_HYPHEN: Final = re.compile("[\x02\ufffe]\r?\n?")
"""What PDFium writes for a hyphen at the end of a line: the word goes on."""
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def text_of_pdf(content: BinaryIO, max_pages: int, budget: Budget) -> tuple[str, int]:
    """Return the text of all pages and how many there are; raises Refusal."""
    import pypdfium2  # noqa: PLC0415 - reading a spec loads no parser

    content.seek(0)
    try:
        document = pypdfium2.PdfDocument(content.read())
        pages = len(document)
    except pypdfium2.PdfiumError as error:
        if error.err_code in _PASSWORD:
            raise Refusal(
                "encrypted", "it is a PDF that is protected by a password; take the protection away"
            ) from None
        raise Refusal("unreadable", "it begins as a PDF but is none, or is damaged") from None
    if pages > max_pages:
        raise Refusal("too-many-pages", f"it has {pages} pages; max_pages is {max_pages}")
    if pages < 1:
        raise Refusal("unreadable", "it is a PDF without a page")
    texts = []
    for number in range(pages):
        try:
            page = document[number]
            shown = page.get_textpage()
            text = _cleaned(shown.get_text_bounded())
            shown.close()
            page.close()
        except pypdfium2.PdfiumError:
            raise Refusal("unreadable", f"page {number + 1} of it is damaged") from None
        budget.take(text)
        texts.append(text)
    return "\n\n".join(text for text in texts if text), pages


def _cleaned(text: str) -> str:
    joined = _HYPHEN.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub("", joined).strip()
