"""Changes of a pipeline's files are seen once they have settled."""

import os

import pytest

from saltern_compiler.driver.watch import Watch


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.saltern"
    path.write_text("one")
    return path


def looks(watch, times=3):
    return [watch.changed() for _ in range(times)]


def test_nothing_happened(file):
    """An untouched file is no change, at the first look neither."""
    assert looks(Watch([file])) == [False, False, False]


def test_a_change_counts_once_two_looks_agree(file):
    """While a file still grows it is left alone; then it is told once."""
    watch = Watch([file])
    file.write_text("three")
    assert watch.changed() is False
    file.write_text("three and more")
    assert looks(watch) == [False, True, False]


def test_a_file_that_comes_goes_or_is_replaced(file, tmp_path):
    """Deleting, making and replacing by a rename (as editors do, time and size the same) are changes."""
    watch = Watch([file, tmp_path / "b.py"])
    (tmp_path / "b.py").write_text("new")
    assert looks(watch, 2) == [False, True]
    draft = tmp_path / "draft"
    draft.write_text("ONE")
    os.utime(draft, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    draft.replace(file)
    assert looks(watch, 2) == [False, True]
    file.unlink()
    assert looks(watch, 2) == [False, True]


def test_files_that_are_watched_from_now_on(file, tmp_path):
    """A change of a file that was watched before is not lost when others are added; files let go do not count."""
    watch = Watch([file])
    file.write_text("two!")
    other = tmp_path / "b.py"
    watch.look_at([file, other])
    assert looks(watch, 2) == [False, True]
    watch.look_at([other])
    file.write_text("three")
    assert looks(watch, 2) == [False, False]
