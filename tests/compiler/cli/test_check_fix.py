"""`saltern check --fix` mends what can be mended, in the files themselves."""

import json
import stat

import pytest

BAD = "pipeline bad\ninput { x: string }\noutput { a: string, b: string }\n# A comment.\nreturn { a: inptu.x, b: inptu.x }\n"


@pytest.fixture
def bad(tmp_path):
    path = tmp_path / "bad.saltern"
    path.write_text(BAD)
    return path


def test_fixes_are_applied_and_counted(saltern, bad):
    """Each fix is made and told once with its count; what else the text holds stays; a second time there is nothing to do."""
    code, out, err = saltern("check", "--fix", bad)
    assert (code, out) == (0, f"{bad}: no findings\n")
    assert err == f"{bad}: 2 findings fixed\n  Replace by `input` (2 times)\n"
    assert bad.read_text() == BAD.replace("inptu", "input")
    before = bad.stat().st_mtime_ns
    assert saltern("check", "--fix", bad) == (0, f"{bad}: no findings\n", "")
    assert bad.stat().st_mtime_ns == before


def test_the_name_of_a_failure_that_nobody_reads_goes(saltern, tmp_path):
    """What runs behind the failure stays; the name alone stays where the failure would end the run without it."""
    path = tmp_path / "book.saltern"
    nodes = """
a = http.request { url: "https://example.com" } on error why {
  b = http.request { url: "https://example.com/2" }
}
c = http.request { url: "https://example.com" } on error nothing {}
"""
    path.write_text("pipeline book\n" + nodes)
    assert saltern("check", "--fix", path) == (
        0, f"{path}: no findings\n", f"{path}: 1 finding fixed\n  Leave the name `why` out\n"
    )  # fmt: skip
    assert path.read_text() == "pipeline book\n" + nodes.replace("on error why", "on error")


def test_what_has_no_fix_is_left_and_shown(saltern, bad):
    """The exit code tells of what is left."""
    bad.write_text(BAD.replace("b: inptu.x", "b: 1"))
    code, out, err = saltern("check", "--fix", bad)
    assert (code, "error[" in out, "1 finding fixed" in err) == (1, True, True)
    assert "a: input.x" in bad.read_text()


def test_json_stays_json(saltern, bad):
    """Standard output is the document about what is left; the summary goes to standard error."""
    code, out, err = saltern("check", "--fix", "--format", "json", bad)
    assert (code, json.loads(out)["errors"], "2 findings fixed" in err) == (0, 0, True)


def test_without_the_option_nothing_is_written(saltern, bad):
    """Checking reads only."""
    assert saltern("check", bad)[0] == 1
    assert bad.read_text() == BAD


def test_the_file_keeps_what_is_not_text(saltern, bad, tmp_path):
    """Byte order mark, line ends and mode stay, and a link still is one."""
    bad.write_bytes(b"\xef\xbb\xbf" + BAD.replace("\n", "\r\n").encode())
    bad.chmod(0o640)
    link = tmp_path / "link.saltern"
    link.symlink_to(bad)
    assert saltern("check", "--fix", link)[0] == 0
    assert bad.read_bytes() == b"\xef\xbb\xbf" + BAD.replace("inptu", "input").replace("\n", "\r\n").encode()
    assert stat.S_IMODE(bad.stat().st_mode) == 0o640
    assert link.is_symlink()


def test_editor_documents_are_fixed_too(saltern, tmp_path):
    """A fix of a document is made inside its JSON, which stays JSON."""
    path = tmp_path / "bad.json"
    document = {
        "schemaVersion": 1, "name": "bad", "input": {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]},
        "nodes": [{"id": "return", "type": "return", "data": {"params": {"value": {"$expr": "inptu.x"}}}}], "edges": [],
    }  # fmt: skip
    path.write_text(json.dumps(document, indent=1))
    _, _, err = saltern("check", "--fix", path)
    assert "Replace by `input`" in err
    assert json.loads(path.read_text())["nodes"][0]["data"]["params"]["value"] == {"$expr": "input.x"}


def test_standard_input_cannot_be_fixed(saltern):
    """There is no file to write to: misuse."""
    code, _, err = saltern("check", "--fix", "-")
    assert (code, "standard input" in err) == (2, True)
