"""`file.text`: the text of a document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from saltern_runtime.errors import PermanentError
from saltern_runtime.nodes.charsets import wrong_encoding
from saltern_runtime.spec import FILE, INT, STRING, Bound, Effect, NodeType, Param, Policy, Problem, obj

if TYPE_CHECKING:
    from saltern_runtime.files import File
    from saltern_runtime.graph import Context
    from saltern_runtime.nodes.file.results import TextResult

MAX_PAGES: Final = 500


def _check(bound: Bound) -> Iterator[Problem]:
    most = bound.literals.get("max_pages")
    if isinstance(most, int) and most < 1:
        yield Problem("max_pages", f"no document has at most {most} pages", ("It is 1 or more.",))
    encoding = bound.literals.get("encoding")
    problem = wrong_encoding(encoding) if isinstance(encoding, str) else ""
    if problem:
        yield Problem("encoding", problem)


NODE: Final = NodeType(
    name="file.text",
    summary="Reads the text of a PDF, a Word document, HTML, Markdown or plain text.",
    params=(
        Param("file", FILE, doc="The document; what it is, its bytes say."),
        Param("max_pages", INT, required=False, default=MAX_PAGES, doc="A PDF with more pages is refused."),
        Param(
            "encoding",
            STRING,
            required=False,
            doc="Of HTML, Markdown and plain text; told by the file where it is left out.",
        ),
    ),
    result=obj({"text": STRING, "pages": INT}),
    result_model="saltern_runtime.nodes.file:TextResult",
    bare=("pages",),
    effect=Effect.READ,
    call="saltern_runtime.nodes.file:text",
    queue="files",
    policy=Policy(timeout=90.0),
    requires=("files",),
    check=_check,
)


def text(ctx: Context, *, file: File, max_pages: int = MAX_PAGES, encoding: str | None = None) -> TextResult:
    """Return the text of a file and how many pages it has (1 where it has none); raises TransientError or PermanentError."""
    from saltern_runtime.nodes.file.apart import ask  # noqa: PLC0415 - reading the spec needs no pydantic
    from saltern_runtime.nodes.file.results import TextResult  # noqa: PLC0415 - reading the spec needs no pydantic

    if max_pages < 1:
        raise PermanentError(f"max_pages is {max_pages}; it is 1 or more", code="bad-values")
    if encoding and (wrong := wrong_encoding(encoding)):
        raise PermanentError(wrong, code="bad-values")
    found = ask(ctx, file, {"what": "text", "max_pages": max_pages, "encoding": encoding or ""})
    return TextResult(text=found["text"], pages=found["pages"])
