"""`file.rows`: the rows of a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from saltern_runtime.errors import PermanentError
from saltern_runtime.nodes.charsets import wrong_encoding
from saltern_runtime.nodes.rows import ROW, check_row, row_of, rows_of
from saltern_runtime.spec import (
    ANY,
    BOOL,
    FILE,
    STRING,
    Bound,
    Effect,
    ListType,
    MapType,
    NodeType,
    Param,
    Policy,
    Problem,
    Type,
    obj,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

    from saltern_runtime.files import File
    from saltern_runtime.graph import Context
    from saltern_runtime.nodes.file.results import RowsResult

M = TypeVar("M", bound="BaseModel")
_UNTYPED: Final = obj({"rows": ListType(MapType(ANY))})


def _result(bound: Bound) -> Type:
    return rows_of(bound, _UNTYPED)


def _check(bound: Bound) -> Iterator[Problem]:
    yield from check_row(bound)
    for name, why in (("delimiter", _wrong_delimiter), ("encoding", wrong_encoding)):
        given = bound.literals.get(name)
        problem = why(given) if isinstance(given, str) else ""
        if problem:
            yield Problem(name, problem)
    if bound.literals.get("sheet") == "":
        yield Problem("sheet", "no sheet has an empty name", ("Leave `sheet` out for the first one.",))


def _wrong_delimiter(delimiter: str) -> str:
    if len(delimiter) != 1:
        return f"a delimiter is one character, not {len(delimiter)}"
    return "no delimiter is a quote, a line break, a space or NUL" if delimiter in '"\r\n\0 ' else ""


NODE: Final = NodeType(
    name="file.rows",
    summary="Reads the rows of CSV, an Excel workbook or JSON Lines.",
    params=(
        Param("file", FILE, doc="The table; what it is, its bytes say."),
        ROW,
        Param(
            "header",
            BOOL,
            required=False,
            default=True,
            doc="Whether the first row names the columns; else they are `column1`, …",
        ),
        Param("sheet", STRING, required=False, doc="The sheet of a workbook; the first one where it is left out."),
        Param("delimiter", STRING, required=False, doc="Of CSV: one character; told by the rows where it is left out."),
        Param("encoding", STRING, required=False, doc="Of CSV and JSON Lines; told by the file where it is left out."),
    ),
    result=_result,
    result_model="saltern_runtime.nodes.file:RowsResult",
    result_param="result",
    effect=Effect.READ,
    call="saltern_runtime.nodes.file:rows",
    queue="files",
    policy=Policy(timeout=90.0),
    requires=("files",),
    check=_check,
)


@overload
def rows(
    ctx: Context,
    *,
    file: File,
    header: bool = ...,
    sheet: str | None = ...,
    delimiter: str | None = ...,
    encoding: str | None = ...,
    result: type[M],
) -> M: ...


@overload
def rows(
    ctx: Context,
    *,
    file: File,
    header: bool = ...,
    sheet: str | None = ...,
    delimiter: str | None = ...,
    encoding: str | None = ...,
    result: None = None,
) -> RowsResult: ...


def rows(
    ctx: Context,
    *,
    file: File,
    header: bool = True,
    sheet: str | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    result: Any = None,
) -> Any:
    """Return the rows of a file, of the type that `result` says; raises TransientError or PermanentError."""
    from saltern_runtime.nodes.file.apart import ask  # noqa: PLC0415 - reading the spec needs no pydantic
    from saltern_runtime.nodes.file.cells import columns_of, typed  # noqa: PLC0415 - reading the spec needs no pydantic
    from saltern_runtime.nodes.file.results import RowsResult  # noqa: PLC0415 - reading the spec needs no pydantic

    wrong = (delimiter and _wrong_delimiter(delimiter)) or (encoding and wrong_encoding(encoding))
    if wrong:
        raise PermanentError(wrong, code="bad-values")
    columns = None if result is None else columns_of(row_of(result))
    wanted = None if columns is None else list(columns)
    chosen = {"sheet": sheet or "", "delimiter": delimiter or "", "encoding": encoding or ""}
    found = ask(ctx, file, {"what": "rows", "header": header, "columns": wanted, **chosen})
    if columns is not None:
        return typed(result, columns, found, file.name)
    plain = [row for _, row in found["objects"]] if "objects" in found else _named(found)
    return RowsResult(rows=plain)


def _named(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(zip(found["names"], values, strict=True)) for _, values in found["rows"]]
