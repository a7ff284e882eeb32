"""What a project says about its checks: found beside a source or above it, read strictly, and followed."""

import pytest

from saltern_compiler.diagnostics import catalog
from saltern_compiler.diagnostics.codes import CODES
from saltern_compiler.diagnostics.places import Source as Places
from saltern_compiler.diagnostics.rules import Level, Rules
from saltern_compiler.driver import compile_source
from saltern_compiler.driver.compile import check_loaded
from saltern_compiler.driver.configuration import load_configuration, read_configuration
from saltern_compiler.driver.source import Source

UNUSED = "pipeline p\n\na = set { value: 1 }\nreturn 2\n"


def read(text, name="saltern.toml"):
    return read_configuration(text, name, lambda: CODES)


def told(text, name="saltern.toml"):
    """Code and the text at its place, of each finding."""
    configuration = read(text, name)
    places = Places(text)
    found = []
    for each in configuration.findings:
        span = places.span(each.origin)
        found.append((each.code, text[span.start : span.end]))
    return found


def severities(configuration):
    result = compile_source(UNUSED, source_name="p.saltern", targets=(), configuration=configuration)
    return [(each.code, each.severity.value) for each in result.diagnostics], result.has_errors


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("off", ([], False)),
        ("warning", ([("unused-node", "warning")], False)),
        ("error", ([("unused-node", "error")], True)),
    ],
)
def test_a_warning_counts_as_the_configuration_says(level, expected):
    """Turned off it is not told; as an error it stops the build."""
    assert severities(read(f'[checks]\nunused-node = "{level}"\n')) == expected


def test_without_a_word_findings_count_as_declared():
    """An empty configuration is none."""
    assert severities(read("")) == ([("unused-node", "warning")], False)


def test_both_files_say_the_same():
    """In pyproject.toml it stands under [tool.saltern]; what others have there is theirs."""
    text = '[project]\nname = "x"\n[tool.other]\nchecks = 1\n[tool.saltern]\nstrict = true\n[tool.saltern.checks]\nunused-node = "off"\n'
    configuration = read(text, "pyproject.toml")
    assert configuration.rules == Rules({"unused-node": Level.OFF}, strict=True)
    assert configuration.rules == read('strict = true\n[checks]\nunused-node = "off"\n').rules
    assert configuration.findings == ()


@pytest.mark.parametrize(
    "text",
    [
        "[tool.saltern]\nstrict = true\n",
        "\t[ 'tool' . \"saltern\" ]\nstrict = true\n",
        "[tool]\nsaltern = { strict = true }\n",
        "[tool]\n[tool.other]\na = 1\n[ tool . saltern ]\nstrict = true\n",
        "tool.saltern.strict = true\n",
        '"tool" = { saltern = { strict = true } }\n',
        "[tool.'saltern']\nstrict = true\n",
    ],
)
def test_our_table_is_found_however_it_is_written(text, tmp_path):
    """As a table, as a key, inline, and with what quotes TOML lets one write."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "pyproject.toml").write_text(text)
    assert load_configuration(tmp_path, lambda: CODES).rules.strict


def test_a_file_that_only_requires_saltern_says_nothing(tmp_path):
    """Its name among requirements, scripts and entry points is no configuration; what is wrong with such a file is not told."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = ["saltern"]\n[project.scripts]\nsaltern = "a:b"\n[tool.other]\nof = "saltern"\nbroken = \n'
    )
    configuration = load_configuration(tmp_path, lambda: CODES)
    assert (configuration.name, configuration.findings) == ("", ())


@pytest.mark.parametrize("level", ["off", "warning"])
def test_errors_stay_errors(level):
    """What no plan can be made of cannot be turned down: told at its place, and not followed."""
    text = f'[checks]\ncycle = "{level}"\n'
    assert told(text) == [("fixed-severity", "cycle")]
    assert read(text).rules.levels == {}
    assert told('[checks]\ncycle = "error"\n') == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('[checks]\nunused-nodes = "off"\n', [("unknown-code", "unused-nodes")]),
        ('[checks]\n"unused-nodes" = "off"\n', [("unknown-code", '"unused-nodes"')]),
        ('checks.unused-nodes = "off"\n', [("unknown-code", "checks.unused-nodes")]),
        ('checks = { unused-nodes = "off" }\n', [("unknown-code", "checks")]),
        ('[checks]\nunused-node = "of"\n', [("ill-typed-key", "unused-node")]),
        ("[checks]\nunused-node = false\n", [("ill-typed-key", "unused-node")]),
        ("[checks]\nunused-node = []\n", [("ill-typed-key", "unused-node")]),
        ('strict = "yes"\n', [("ill-typed-key", "strict")]),
        ("checks = 1\n", [("ill-typed-key", "checks")]),
        ("stict = true\n", [("unknown-key", "stict")]),
        ('[check]\nunused-node = "off"\n', [("unknown-key", "check")]),
        ("[checks\n", [("broken-configuration", "\n")]),
        ("strict = \n", [("broken-configuration", "\n")]),
        (
            'strikt = 1\n[checks]\ncycle = "off"\nx = "off"\n',
            [("unknown-key", "strikt"), ("fixed-severity", "cycle"), ("unknown-code", "x")],
        ),
    ],
)
def test_mistakes_are_told_at_their_places(text, found):
    """All at once, each where it stands; what is right beside them still counts."""
    assert told(text) == found


def test_mistakes_of_a_shared_file_are_told_in_it():
    """The table of ours is where we look, whatever else has a key of that name."""
    text = "[tool.other]\nstict = 1\n[tool.saltern]\nstict = true\n"
    [finding] = read(text, "pyproject.toml").findings
    assert (finding.code, Places(text).span(finding.origin).first.line) == ("unknown-key", 4)
    assert finding.notes[0] == "Did you mean `strict`?"
    assert told("[tool]\nsaltern = 1\n", "pyproject.toml") == [("ill-typed-key", "saltern")]


@pytest.mark.parametrize("code", ["broken-configuration"])
def test_pages_of_configurations_are_true(code):
    """The example of a page has its finding, and what to use instead has none."""
    page = catalog.page(code)
    assert [each.code for each in read(page.example.text).findings] == [code]
    assert read(page.use_instead.text).findings == ()


def _loaded(folder):
    return load_configuration(folder, lambda: CODES)


def test_the_nearest_one_counts(tmp_path, monkeypatch):
    """Beside the source, else above it; saltern.toml before pyproject.toml; a pyproject.toml without our table is passed by."""
    monkeypatch.chdir(tmp_path)
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "saltern.toml").write_text('[checks]\nunused-node = "error"\n')
    (tmp_path / "a" / "pyproject.toml").write_text('[project]\nname = "saltern-things"\n')
    assert _loaded(inner).name == "saltern.toml"
    (inner / "pyproject.toml").write_text('[tool.saltern.checks]\nunused-node = "off"\n')
    assert (_loaded(inner).name, _loaded(inner).rules.levels) == ("a/b/pyproject.toml", {"unused-node": "off"})
    (inner / "saltern.toml").write_text("strict = true\n")
    assert _loaded(inner).rules == Rules({}, strict=True)


def test_the_search_ends_with_the_repository(tmp_path):
    """What lies above a repository says nothing about it, so that a check is the same on any machine."""
    (tmp_path / "saltern.toml").write_text("strict = true\n")
    repository = tmp_path / "repository"
    (repository / "flows").mkdir(parents=True)
    assert _loaded(repository / "flows").rules.strict
    (repository / ".git").mkdir()
    assert not _loaded(repository / "flows").rules.strict


def test_a_broken_file_of_others_is_none_of_ours(tmp_path):
    """A pyproject.toml that is no TOML is ours to tell only where it has our table."""
    (tmp_path / ".git").mkdir()
    path = tmp_path / "pyproject.toml"
    path.write_text("[project\nname = saltern\n")
    assert _loaded(tmp_path).findings == ()
    path.write_text("[tool.saltern]\nstrict = \n")
    assert [each.code for each in _loaded(tmp_path).findings] == ["broken-configuration"]
    path.write_bytes(b"\xff\xfe[tool.saltern]")
    assert _loaded(tmp_path).findings == ()


def test_a_loaded_source_is_settled_by_what_lies_beside_it(tmp_path):
    """The command line and the watcher check by the same configuration."""
    (tmp_path / "saltern.toml").write_text('[checks]\nunused-node = "error"\n')
    path = tmp_path / "p.saltern"
    path.write_text(UNUSED)
    result = check_loaded(Source.load(str(path)))
    assert result.has_errors
    assert result.configuration.rules.levels == {"unused-node": "error"}
    assert [each.severity.value for each in result.diagnostics] == ["error"]
