"""`saltern check` under a configuration, and its formats for programs."""

import json

import pytest

UNUSED = "pipeline p\n\na = set { value: 1 }\nreturn 2\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository with two pipelines that warn."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    for name in ("a.saltern", "b.saltern"):
        (tmp_path / name).write_text(UNUSED)
    return tmp_path


def test_a_warning_that_is_an_error_fails(saltern, project):
    """As configured: exit code and words."""
    assert saltern("check", "a.saltern")[0] == 0
    (project / "saltern.toml").write_text('[checks]\nunused-node = "error"\n')
    code, out, _ = saltern("check", "a.saltern")
    assert (code, "error[unused-node]" in out, "1 error in a.saltern" in out) == (1, True, True)
    code, _, err = saltern("build", "a.saltern", "-o", "tree")
    assert (code, "error[unused-node]" in err, (project / "tree").exists()) == (1, True, False)


def test_a_configuration_with_mistakes_fails_once(saltern, project):
    """Its findings are shown with their lines, once for all pipelines; a build stops too."""
    (project / "saltern.toml").write_text('[checks]\nunused-nodes = "off"\n')
    code, out, _ = saltern("check", "a.saltern", "b.saltern")
    assert code == 1
    assert out.count("error[unknown-code]") == 1
    assert '2 | unused-nodes = "off"' in out
    assert "--> saltern.toml:2:1" in out
    code, _, err = saltern("build", "a.saltern", "-o", "tree")
    assert (code, "error[unknown-code]" in err, (project / "tree").exists()) == (1, True, False)


def test_json_has_the_configuration_as_a_source_of_its_own(saltern, project):
    """A document for each text with its findings."""
    (project / "saltern.toml").write_text("stict = true\n")
    code, out, _ = saltern("check", "--format", "json", "a.saltern", "b.saltern")
    assert (code, [each["source"] for each in json.loads(out)]) == (1, ["saltern.toml", "a.saltern", "b.saltern"])


def test_sarif_is_one_document_over_all(saltern, project):
    """Pipelines and configuration are its artifacts; the exit code is that of the findings."""
    (project / "saltern.toml").write_text('[checks]\nunused-node = "error"\ncycle = "off"\n')
    code, out, _ = saltern("check", "--format", "sarif", "a.saltern", "b.saltern")
    [run] = json.loads(out)["runs"]
    uris = [each["location"]["uri"] for each in run["artifacts"]]
    assert (code, uris) == (1, ["saltern.toml", "a.saltern", "b.saltern"])
    assert [(each["ruleId"], each["level"]) for each in run["results"]] == [
        ("fixed-severity", "error"), ("unused-node", "error"), ("unused-node", "error"),
    ]  # fmt: skip


def test_github_prints_commands_alone(saltern, project):
    """Nothing but annotations, so that a log is not told twice; a clean check prints nothing."""
    code, out, _ = saltern("check", "--format", "github", "a.saltern", "b.saltern")
    assert (code, [line.split(",")[0] for line in out.splitlines()]) == (
        0, ["::warning file=a.saltern", "::warning file=b.saltern"],
    )  # fmt: skip
    (project / "a.saltern").write_text("pipeline p\nreturn 2\n")
    assert saltern("check", "--format", "github", "a.saltern") == (0, "", "")


def test_a_fix_leaves_alone_what_is_allowed(saltern, project):
    """A finding that is meant is not mended."""
    text = (
        'pipeline p\ninput { name: string }\nconnection site = http { base_url: "https://site.example" }\n'
        '# saltern: allow glued-text because the vendor wants it so\n'
        'a = http.request(site) { url: "/x/" + input.name }\nreturn a.status\n'
    )  # fmt: skip
    (project / "a.saltern").write_text(text)
    assert saltern("check", "--fix", "a.saltern") == (0, "a.saltern: no findings\n", "")
    assert (project / "a.saltern").read_text() == text
