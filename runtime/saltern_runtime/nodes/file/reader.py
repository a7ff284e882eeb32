"""The process in which a file is read: `python -m saltern_runtime.nodes.file.reader FD`.

The file is the descriptor FD, what to make of it stands on the standard input as JSON, and one JSON document comes back:
`{"value": …}` or `{"error": [code, message]}`. The process has little memory and time, writes no file, opens no connection and starts nothing,
so that whatever a hostile file does to a parser is over with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Mapping
from typing import Any, BinaryIO, Final

from saltern_runtime.nodes.file.kinds import bare, end_of, kind_of
from saltern_runtime.nodes.file.refusal import Budget, Refusal

TEXTS: Final = "a PDF, a Word document (.docx), HTML, Markdown or plain text"
TABLES: Final = "CSV, an Excel workbook (.xlsx) or JSON Lines"
_PR_SET_PDEATHSIG: Final = 1
_REFUSED: Final = ("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn")
_JSON_LINES: Final = frozenset(
    {"application/jsonl", "application/x-jsonlines", "application/x-ndjson", "application/ndjson", "jsonl", "ndjson"}
)


def main() -> None:
    """Read a file, and say what it holds or why it is not read."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # parsers may print
    asked = json.load(sys.stdin.buffer)
    confine(asked["memory"], asked["cpu"])
    with os.fdopen(int(sys.argv[1]), "rb") as content:
        answer = _answer(content, asked)
    with answers:
        answers.write(json.dumps(answer, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace"))


def confine(memory: int, cpu: int) -> None:
    """Take from this process what it does not need: `memory` bytes of addresses and `cpu` seconds are left."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    with contextlib.suppress(
        ValueError
    ):  # the worker's own bound, which is below this one, unless it may not be raised
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "r+b", buffering=0) as score:  # noqa: PTH123 - no path of files
            score.write(b"1000")
    sys.addaudithook(_refuse)


def _refuse(event: str, given: tuple[Any, ...]) -> None:
    writes = event == "open" and isinstance(given[2], int) and given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if writes or event.startswith(_REFUSED):
        raise PermissionError(f"{event} is nothing that reading a file needs")


def _answer(content: BinaryIO, asked: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {"value": _text(content, asked) if asked["what"] == "text" else _rows(content, asked)}
    except Refusal as refusal:
        return {"error": [refusal.code, refusal.message]}
    except ImportError as error:
        return {"error": ["no-reader", f"{error.name} is not installed: pip install 'saltern-runtime[files]'"]}
    except MemoryError:
        return {"error": ["too-large", "reading it needs more memory than a file may take"]}
    except RecursionError:
        return {"error": ["nested-too-deeply", "it nests more deeply than can be read"]}
    except BaseException as error:  # noqa: BLE001 - whatever a parser raises, panics of Rust among it, is about the file
        return {"error": ["unreadable", f"it is damaged ({type(error).__name__})"]}


def _text(content: BinaryIO, asked: Mapping[str, Any]) -> dict[str, Any]:
    from saltern_runtime.nodes.file import page, pdf, plain, word  # noqa: PLC0415 - within the memory that is left

    name, media_type, budget = asked["name"], asked["media_type"], Budget(asked["most"], "text")
    kind = kind_of(content, name, media_type, ("pdf", "docx", "text"), TEXTS)
    if kind == "pdf":
        text, pages = pdf.text_of_pdf(content, asked["max_pages"], budget)
        return {"text": text, "pages": pages}
    if kind == "docx":
        text = word.text_of_docx(content)
    else:
        text = plain.text_of(content, TEXTS, name=name, media_type=media_type, encoding=asked["encoding"])
        if plain.says_page(name, media_type) or plain.is_page(text):
            text = page.text_of_page(text)
    budget.take(text)
    return {"text": text, "pages": 1}


def _rows(content: BinaryIO, asked: Mapping[str, Any]) -> dict[str, Any]:
    from saltern_runtime.nodes.file import commas, jsonl, plain, sheets, tables  # noqa: PLC0415 - within the memory that is left

    name, media_type, budget = asked["name"], asked["media_type"], Budget(asked["most"], "rows")
    header, wanted, sheet = asked["header"], asked["columns"], asked["sheet"]
    kind = kind_of(content, name, media_type, ("xlsx", "text"), TABLES)
    if kind == "xlsx":
        return sheets.table_of_xlsx(content, sheet=sheet, header=header, wanted=wanted, budget=budget).answer()
    if sheet:
        raise Refusal("no-such-sheet", f"it is text, which has no sheet {sheet!r}")
    text = plain.text_of(content, TABLES, name=name, media_type=media_type, encoding=asked["encoding"])
    if plain.is_page(text) or text.lstrip().startswith("<?xml"):
        raise Refusal("wrong-type", f"it is {'HTML' if plain.is_page(text) else 'XML'}; it may be {TABLES}")
    if {bare(media_type), end_of(name)} & _JSON_LINES or jsonl.is_json_lines(text):
        return tables.objects(jsonl.lines_of(text), wanted, budget)
    if (bare(media_type) == "application/json" or end_of(name) == "json") and text.lstrip().startswith(("{", "[")):
        raise Refusal("wrong-type", "it is JSON, but not an object a line, which JSON Lines is")
    delimiter = asked["delimiter"] or ("\t" if bare(media_type) == "text/tab-separated-values" else "")
    made = commas.table_of_csv(text, header=header, delimiter=delimiter, wanted=wanted, budget=budget)
    return made.answer()


if __name__ == "__main__":
    main()
