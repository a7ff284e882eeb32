"""The codes with which reading a file fails are those that the pages list."""

import re
from pathlib import Path

from saltern_runtime.nodes import file

ROOT = Path(__file__).parents[4]
SOURCES = Path(file.__file__).parent
BESIDE = ("connectors/base.py", "jsontext.py", "store/files.py")
"""What these modules raise comes out of the nodes as well."""
NOT_READING = {"no-connection", "missing-secret", "file-too-large"}
"""Codes in there of what these nodes do not do: they have no connection and store nothing."""
RAISED = re.compile(r"""(?:Refusal\(\s*|JsonTextError\(\s*|"error": \[\s*|code=)"([a-z-]+)\"""")
ROW = re.compile(r"^\| `([a-z-]+)` \|.*\| (no|yes) \|$", re.MULTILINE)


def listed(page):
    """Return the codes of a page's table, and whether such a failure is tried again."""
    return dict(ROW.findall((ROOT / "docs" / "nodes" / page).read_text("utf-8")))


def test_the_pages_list_every_code_once():
    """A code that is new in the sources is missing from the tables, and one that is gone stands there in vain."""
    sources = [*SOURCES.glob("*.py"), *(SOURCES.parents[1] / each for each in BESIDE)]
    raised = {code for each in sources for code in RAISED.findall(each.read_text("utf-8"))}
    text, rows = listed("file.text.md"), listed("file.rows.md")
    assert text.keys() | rows.keys() == raised - NOT_READING
    assert not text.keys() & rows.keys()


def test_the_pages_say_what_is_tried_again():
    """Whatever a TransientError says."""
    sources = [*SOURCES.glob("*.py"), *(SOURCES.parents[1] / each for each in BESIDE)]
    transient = re.compile(r'TransientError\((?:[^()]|\([^()]*\))*code="([a-z-]+)"')
    again = {code for each in sources for code in transient.findall(each.read_text("utf-8"))}
    tables = {**listed("file.text.md"), **listed("file.rows.md")}
    assert {code for code, is_so in tables.items() if is_so == "yes"} == again
