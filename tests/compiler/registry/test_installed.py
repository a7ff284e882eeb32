"""What is read of the folders of `sys.path` is what `importlib.metadata` says."""

import subprocess
import sys
from importlib import metadata
from textwrap import dedent

import pytest

from saltern_compiler.installed import entry_points

GROUPS = ("saltern.node_types", "saltern.targets", "console_scripts")


def told(points):
    """Return all that is asked of entry points, sorted."""
    return sorted(
        (point.group, point.name, point.value, point.module, point.dist.name, point.dist.version) for point in points
    )


def as_python_says(groups=GROUPS):
    every = metadata.entry_points()
    return [point for group in groups for point in every.select(group=group)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder that Python looks into first; `folder(name, entry_points, metadata)` lays a distribution into it."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(name, lines, headers=None, file="METADATA"):
        info = tmp_path / name
        info.mkdir()
        (info / "entry_points.txt").write_text(dedent(lines))
        (info / file).write_text(headers or f"Metadata-Version: 2.1\nName: {name.partition('-')[0]}\nVersion: 1.2\n")
        return tmp_path

    return install


def test_all_that_is_installed_here_is_found():
    """The environment of the tests has more than a hundred distributions."""
    found = entry_points(GROUPS)
    assert told(found) == told(as_python_says())
    assert {point.group for point in found} == set(GROUPS)


def test_lines_are_read_as_python_reads_them(folder):
    """Comments, empty lines, blanks, extras, sections of others, and headers that a description repeats."""
    folder(
        "Some.Thing-1.2.dist-info",
        """
        # what follows is ours
        [saltern.node_types]
        a.b=some:NODE

          c@2  =  some.inner : NODE.deep [extra]
        # d = some:OTHER
        [others]
        e = some:E
        """,
        "Metadata-Version: 2.1\nname: Some.Thing\nVERSION:  1.2\n\nName: description\nVersion: 9\n",
    )
    folder("old-0.1.egg-info", "[saltern.targets]\nold = old:TARGET\n", file="PKG-INFO")
    found = entry_points(GROUPS)
    assert told(found) == told(as_python_says())
    assert {("saltern.node_types", "c@2"), ("saltern.targets", "old")} <= {(each.group, each.name) for each in found}


def test_the_first_of_two_folders_counts(folder):
    """An older version further back on the path offers nothing, however its name is written."""
    folder("saltern_runtime-9.dist-info", "[saltern.node_types]\nonly = some:NODE\n")
    found = [point for point in entry_points(GROUPS) if point.group == "saltern.node_types"]
    assert [point.name for point in found] == ["only"]
    assert told(found) == told(as_python_says(("saltern.node_types",)))


def test_what_an_entry_point_leads_to_is_imported(folder):
    """A module, or an attribute of one, however deep; what is not there is an error."""
    (folder("some-1.2.dist-info", """
        [saltern.targets]
        module = installed_thing
        deep = installed_thing:Thing.value [extra]
        missing = installed_thing:Other
    """) / "installed_thing.py").write_text("class Thing:\n    value = 7\n")  # fmt: skip
    points = {point.name: point for point in entry_points(("saltern.targets",))}
    try:
        assert points["module"].load() is sys.modules["installed_thing"]
        assert points["deep"].load() == 7
        with pytest.raises(AttributeError, match="Other"):
            points["missing"].load()
    finally:
        sys.modules.pop("installed_thing", None)


def test_requirements_are_those_of_the_metadata(folder):
    """They are asked of plugins alone."""
    folder(
        "some-1.2.dist-info",
        "[saltern.targets]\nsome = some:T\n",
        "Metadata-Version: 2.1\nName: some\nVersion: 1.2\nRequires-Dist: httpx>=1\n",
    )
    (point,) = (point for point in entry_points(("saltern.targets",)) if point.name == "some")
    assert point.dist.requires == ["httpx>=1"]


def test_an_archive_on_the_path_is_looked_into(tmp_path, monkeypatch):
    """Python's own reader is asked then."""
    import zipfile

    with zipfile.ZipFile(tmp_path / "things.zip", "w") as archive:
        archive.writestr("zipped-1.2.dist-info/METADATA", "Metadata-Version: 2.1\nName: zipped\nVersion: 1.2\n")
        archive.writestr("zipped-1.2.dist-info/entry_points.txt", "[saltern.targets]\nzipped = zipped:TARGET\n")
    monkeypatch.syspath_prepend(str(tmp_path / "things.zip"))
    found = entry_points(GROUPS)
    assert "zipped" in {point.name for point in found}
    assert told(found) == told(as_python_says())


def test_a_path_among_the_texts_of_sys_path(folder, monkeypatch):
    """Python imports nothing from there, but knows what is installed there."""
    found_in = folder("some-1.2.dist-info", "[saltern.targets]\nsome = some:T\n")
    monkeypatch.setattr(sys, "path", [found_in, *sys.path[1:]])
    found = entry_points(GROUPS)
    assert "some" in {point.name for point in found}
    assert told(found) == told(as_python_says())


def test_a_finder_that_knows_of_distributions_is_asked(tmp_path, monkeypatch):
    """Such as those of editors and freezers."""
    info = tmp_path / "found-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: found\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("[saltern.targets]\nfound = found:TARGET\n")

    class Finder:
        def find_spec(self, *_):
            return None

        def find_distributions(self, _context):
            return [metadata.PathDistribution(info)]

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder()])
    assert "found" in {point.name for point in entry_points(("saltern.targets",))}


def test_loading_the_registry_reads_no_mail():
    """`importlib.metadata` and what it stands on are not imported for what we offer ourselves."""
    script = (
        "import sys; from saltern_compiler.registry import Registry; registry = Registry.load();"
        "assert registry.node('http.request') and registry.target('docker');"
        "print(*({'importlib.metadata', 'email', 'zipfile'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
