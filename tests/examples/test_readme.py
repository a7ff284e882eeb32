"""What the README shows."""

import re
from pathlib import Path

from saltern_compiler import compile_source

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def test_the_pipeline_compiles_to_what_stands_below_it():
    """The README's pipeline has no finding, and the function shown after it is the one that comes out."""
    [pipeline] = blocks("saltern")
    result = compile_source(pipeline, source_name="readme.saltern")
    assert result.diagnostics == ()
    shown = next(block for block in blocks("python") if block.startswith("@node"))
    emitted = result.artifacts["support_triage/nodes.py"].decode()
    assert shown in emitted


def test_every_file_that_is_named_is_there():
    """Links and paths of the README lead somewhere."""
    named = [*re.findall(r"\]\(([^)#]+)\)", README), *re.findall(r"examples/\S+?\.(?:saltern|json|yml)", README)]
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
