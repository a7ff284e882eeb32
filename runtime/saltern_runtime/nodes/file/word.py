"""DOCX: its text as a page has it, with lists, tables and notes; what was struck out and pictures are left out."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

from saltern_runtime.nodes.file.page import text_of_page


def text_of_docx(content: BinaryIO) -> str:
    """Return the text; its archive has been checked. Raises whatever mammoth raises for what is no DOCX."""
    import mammoth  # noqa: PLC0415 - reading a spec loads no parser

    def nothing(_: Any) -> list[Any]:
        return []

    content.seek(0)
    unnamed = io.BytesIO(content.read())  # of a file with a name it looks at what stands beside that
    made = mammoth.convert_to_html(unnamed, convert_image=nothing, include_embedded_style_map=False)
    return text_of_page(made.value)
