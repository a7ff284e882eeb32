"""The wheel of the installed runtime: complete, the same each time, and as its format wants it."""

import base64
import csv
import hashlib
import io
import time
import zipfile
from pathlib import Path

import pytest

import saltern_runtime
from saltern_compiler.driver.wheel import NAME, WheelError, epoch, runtime_wheel, write_wheel


def opened(data):
    return zipfile.ZipFile(io.BytesIO(data))


def test_it_holds_every_file_of_the_runtime():
    """Modules, Lua scripts, pages and type markers are in it; bytecode is not."""
    root = Path(saltern_runtime.__file__).parent
    there = {
        f"saltern_runtime/{path.relative_to(root).as_posix()}"
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    names = set(opened(runtime_wheel()).namelist())
    assert {name for name in names if ".dist-info/" not in name} == there
    assert any(name.endswith(".lua") for name in names)
    assert any(name.endswith(".html") for name in names)


def test_its_record_fits():
    """RECORD names each file with digest and size, and itself without."""
    archive = opened(runtime_wheel())
    record = next(name for name in archive.namelist() if name.endswith("/RECORD"))
    rows = {path: (digest, size) for path, digest, size in csv.reader(archive.read(record).decode().splitlines())}
    assert set(rows) == set(archive.namelist())
    assert rows.pop(record) == ("", "")
    for path, (digest, size) in rows.items():
        data = archive.read(path)
        want = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        assert (digest, size) == (f"sha256={want}", str(len(data)))


def test_the_same_bytes_twice(monkeypatch):
    """Two packings are the same, whatever the clock says; SOURCE_DATE_EPOCH is the time of the files."""
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert runtime_wheel() == runtime_wheel()
    assert opened(runtime_wheel()).infolist()[0].date_time == (1980, 1, 1, 0, 0, 0)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert {each.date_time for each in opened(runtime_wheel()).infolist()} == {time.gmtime(1700000000 // 2 * 2)[:6]}


def test_no_byte_depends_on_the_machine(monkeypatch):
    """Each zlib packs another way, so nothing is packed; entries say Unix wherever they are written."""
    monkeypatch.setattr("sys.platform", "win32")
    entries = opened(runtime_wheel()).infolist()
    assert {(entry.compress_type, entry.create_system, entry.external_attr >> 16) for entry in entries} == {
        (zipfile.ZIP_STORED, 3, 0o100644)
    }


@pytest.mark.parametrize(("text", "want"), [("", 315532800), ("0", 315532800), ("1700000000", 1700000000)])
def test_the_time_of_files(monkeypatch, text, want):
    """Times before 1980 become the first that a zip file knows."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    assert epoch() == want


@pytest.mark.parametrize("text", ["today", "-1", "1.5", "99999999999"])
def test_a_time_that_is_none(monkeypatch, text):
    """A SOURCE_DATE_EPOCH that is no number of seconds, or too late for a zip file, is refused by name."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    with pytest.raises(WheelError, match="SOURCE_DATE_EPOCH"):
        epoch()


def test_a_runtime_of_another_version_is_not_packed(monkeypatch):
    """Metadata of one version and files of another would make a wheel that lies."""
    monkeypatch.setattr("saltern_compiler.driver.wheel.__version__", "9.9.9")
    with pytest.raises(WheelError, match="install it again"):
        runtime_wheel()


def test_it_is_written_under_its_own_name(tmp_path):
    """The folder is made where it is missing."""
    assert write_wheel(tmp_path / "a/wheels") == tmp_path / "a/wheels" / NAME
