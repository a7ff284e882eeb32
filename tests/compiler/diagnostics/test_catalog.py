"""The catalog and the code hold together: every code has a page, and every page is true."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import saltern_compiler
import saltern_runtime
import saltern_targets
from saltern_compiler.diagnostics import catalog, codes
from saltern_compiler.diagnostics.codes import CODES
from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.driver import compile_source
from saltern_compiler.driver.configuration import OWN, read_configuration

_CODE = re.compile(r"[a-z]+(-[a-z]+)+|cycle")
_MAKERS = frozenset({"Diagnostic", "Problem", "complain", "report", "add", "_add", "misspelt"})
"""Calls whose first string is a code, in the parts that report findings."""
_TOO_LARGE = frozenset({"payload-too-large", "source-too-large", "too-many-nodes"})
"""Codes whose example would fill books."""
_NOTATIONS = frozenset({"saltern", "json", "yaml"})
"""Other blocks show commands, which the tests of the command line run."""


def _codes_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args, keywords=keywords):
                if name in _MAKERS and args:
                    yield from _code(args[0])
                if name in {"Diagnostic", "Problem"}:
                    yield from (code for keyword in keywords if keyword.arg == "code" for code in _code(keyword.value))
            case ast.AnnAssign(target=ast.Name(id="code"), value=ast.Constant() as value):
                yield from _code(value)


def _code(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from (*_code(node.body), *_code(node.orelse))
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and _CODE.fullmatch(node.value):
        yield node.value


@cache
def _codes() -> frozenset[str]:
    packages = (saltern_compiler, saltern_runtime, saltern_targets)
    roots = [Path(package.__file__).parent for package in packages if package.__file__]
    return frozenset(code for root in roots for path in sorted(root.rglob("*.py")) for code in _codes_in(path))


def _findings(block: catalog.Block, page: catalog.Page) -> tuple[Diagnostic, ...]:
    """Return what is found in a block, by the configuration that the page has, if any."""
    name, files = f"example.{block.notation}", dict(page.files)
    configuration = read_configuration(files.pop(OWN, ""), OWN, lambda: CODES)
    return compile_source(
        block.text, source_name=name, targets=(), files=files, configuration=configuration
    ).diagnostics


def _sources() -> str:
    packages = (saltern_compiler, saltern_runtime)
    paths = [path for package in packages for path in sorted(Path(package.__file__ or "").parent.rglob("*.py"))]
    return "".join(path.read_text("utf-8") for path in paths if path != Path(codes.__file__))


def test_every_code_is_declared() -> None:
    """Whatever the compiler, the runtime's specs and the targets can report stands in the table."""
    assert sorted(_codes() - set(CODES)) == []


def test_every_declaration_is_reported() -> None:
    """The table declares nothing that nobody reports."""
    text = _sources()
    assert [code for code in CODES if code not in _codes() and f'"{code}"' not in text] == []


def test_table_and_pages_agree() -> None:
    """Each code has a page, each page a code, in one order, and the summary is how the page begins; what warns says so."""
    pages = sorted(path.stem for path in (Path(codes.__file__).parent / "docs").iterdir())
    assert list(CODES) == pages
    begins = {code: page.summary for code in CODES if (page := catalog.page(code)) is not None}
    assert [code for code, each in CODES.items() if not begins[code].startswith(each.summary.removesuffix("."))] == []
    assert [
        code for code, each in CODES.items() if (each.severity == "warning") != each.summary.startswith("Warns ")
    ] == []


def test_a_code_that_is_not_declared_is_our_mistake() -> None:
    """No finding carries a code that nobody could look up."""
    with pytest.raises(AssertionError, match="the code `no-such-code` is declared nowhere"):
        Diagnostic("no-such-code", "m")


@pytest.mark.parametrize("code", CODES)
def test_page_has_its_sections(code: str) -> None:
    """A page says what, why, an example and what to use instead, under the code as its title."""
    page = catalog.page(code)
    assert page is not None
    assert page.text.startswith(f"# {code}\n")
    wanted = [title for title in catalog.SECTIONS if title != "Example" or code not in _TOO_LARGE]
    assert re.findall(r"^## (.+)$", page.text, re.MULTILINE) == wanted
    assert page.summary.strip(". ")
    assert page.example is not None or code in _TOO_LARGE
    assert page.use_instead is not None


def _codes_with(part: str) -> list[str]:
    pages = {code: catalog.page(code) for code in CODES}
    blocks = {code: getattr(page, part) for code, page in pages.items()}
    return [code for code, block in blocks.items() if block is not None and block.notation in _NOTATIONS]


@pytest.mark.parametrize("code", _codes_with("example"))
def test_example_has_exactly_this_finding(code: str) -> None:
    """The example of a page gives the finding that it explains, and no other."""
    page = catalog.page(code)
    assert page is not None
    assert page.example is not None
    assert {each.code for each in _findings(page.example, page)} == {code}


@pytest.mark.parametrize("code", _codes_with("example"))
def test_findings_speak_in_one_voice(code: str) -> None:
    """A message stands in a sentence; notes and the titles of fixes are sentences of their own, and name a mistake alike."""
    page = catalog.page(code)
    assert page is not None
    assert page.example is not None
    for each in _findings(page.example, page):
        assert not each.message.endswith(".")
        assert [note for note in each.notes if note[0].islower() or note[-1] not in ".?"] == []
        assert [fix.title for fix in each.fixes if not re.match("Replace by `|Name it|Put ", fix.title)] == []


@pytest.mark.parametrize("code", _codes_with("use_instead"))
def test_what_to_use_instead_is_clean(code: str) -> None:
    """What a page recommends has no finding at all."""
    page = catalog.page(code)
    assert page is not None
    assert page.use_instead is not None
    assert _findings(page.use_instead, page) == ()


def test_page_of_an_unknown_code() -> None:
    """A code that does not exist has no page, and a path is no code."""
    assert catalog.page("no-such-code") is None
    assert catalog.page("../model") is None
