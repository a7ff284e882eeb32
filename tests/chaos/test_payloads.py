"""Large values outside Redis, with real prefork workers and timers; and places at which no worker starts."""

import pytest

from tests.chaos.conftest import Site
from tests.support.s3 import use

BIG = "billing " * 10_000


@pytest.fixture
def place(request, tmp_path, monkeypatch):
    """A folder or a bucket, in the environment that processes have."""
    if request.param == "folder":
        folder = tmp_path / "payloads"
        folder.mkdir()
        monkeypatch.setenv("SALTERN_PAYLOADS", f"file://{folder}")
        return lambda: [path for path in folder.rglob("*") if path.is_file()]
    server = request.getfixturevalue("s3_server")
    use(monkeypatch, server)
    bucket = server.bucket()
    monkeypatch.setenv("SALTERN_PAYLOADS", f"s3://{bucket}/runs")
    return lambda: server.keys(bucket)


@pytest.fixture
def site(own_redis, service, tmp_path, monkeypatch):
    opened = []

    def make():
        with (tmp_path / "log").open("w") as log:
            opened.append(Site(own_redis.url, service, log))
        monkeypatch.setenv("SALTERN_REDIS_URL", own_redis.url)
        opened[-1].log = (tmp_path / "log").open("a")
        return opened[-1]

    yield make
    for each in opened:
        each.close()
        each.log.close()


@pytest.mark.parametrize("place", ["folder", "s3"], indirect=True)
def test_prefork_workers_use_a_place_that_their_parent_checked(place, site):
    """The parent tries the place out before it forks; its children read and write large values there."""
    here = site()
    here.worker()
    here.timers()
    run_id = here.start(category=BIG, extra=BIG)
    here.finish(run_id, {"category": BIG, "told": True})
    assert len(place()) == 3


@pytest.mark.parametrize("which", ["worker", "timers"])
def test_no_process_starts_with_a_wrong_bucket(s3_server, site, tmp_path, monkeypatch, which):
    """Workers and timers end at once, with one line that says what to do."""
    use(monkeypatch, s3_server)
    monkeypatch.setenv("SALTERN_PAYLOADS", "s3://nonesuch-bucket/runs")
    here = site()
    process = getattr(here, which)()
    assert process.wait(30) == 1
    text = (tmp_path / "log").read_text()
    assert "SALTERN_PAYLOADS: the bucket nonesuch-bucket is not there: create it, or name another one" in text
    assert "Traceback" not in text


def test_no_process_starts_with_a_wrong_setting(site, tmp_path):
    """What is no place is said when the settings are read."""
    here = site()
    here.env["SALTERN_PAYLOADS"] = "relative/folder"
    assert here.timers().wait(30) != 0
    assert "SALTERN_PAYLOADS: it names no place that is known" in (tmp_path / "log").read_text()
