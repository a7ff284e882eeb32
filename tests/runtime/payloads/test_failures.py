"""Places that cannot be reached, that refuse, that are not there: each failure says whether it passes and what to do."""

import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from saltern_runtime.settings import Settings
from saltern_runtime.spec.places import PayloadPlace
from saltern_runtime.store.failures import PayloadsUnreachableError, StoreUnfitError
from saltern_runtime.store.objects import ObjectPayloads
from saltern_runtime.store.proving import prove
from saltern_runtime.store.store import Store
from tests.support.redis import free_port
from tests.support.s3 import S3Server, use

OWNER = "0-0123456789abcdef01234567"


def attempts(store):
    """Everything that one may do with a store."""
    reference = f"2031-05-18/{OWNER}/name"
    return [
        lambda: store.write(OWNER, "name", [b"x"], 60.0),
        lambda: list(store.read(reference)),
        lambda: store.hold(reference, 0.0),
        lambda: store.hold(reference, 10**9),
        lambda: store.drop(reference),
        store.sweep,
    ]


def test_a_place_that_is_right_passes(objects, service):
    """Trying a place out writes, reads, copies and deletes, and leaves nothing."""
    prove(objects.place, service)
    assert objects.held() == []
    prove(PayloadPlace(), service)


def test_a_bucket_that_is_not_there(s3_server, service, monkeypatch):
    """Whatever is tried says which bucket is missing; nothing takes it for bytes that are gone."""
    use(monkeypatch, s3_server)
    place = PayloadPlace("s3://nonesuch-bucket/x")
    for attempt in attempts(ObjectPayloads(place, service)):
        with pytest.raises(StoreUnfitError, match="the bucket nonesuch-bucket is not there: create it"):
            attempt()
    with pytest.raises(StoreUnfitError, match="SALTERN_PAYLOADS: the bucket nonesuch-bucket is not there"):
        prove(place, service)


def test_keys_that_are_refused(service, monkeypatch):
    """Wrong keys are no outage: the error names the permissions that are needed, and no key."""
    server = S3Server()
    server.start()
    try:
        bucket = server.bucket()
        asked = Request(f"{server.url}/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"})
        build_opener(ProxyHandler({})).open(asked, timeout=10).close()
        use(monkeypatch, server, AWS_ACCESS_KEY_ID="AKIANOBODY", AWS_SECRET_ACCESS_KEY="geheim")
        place = PayloadPlace(f"s3://{bucket}/x")
        for attempt in attempts(ObjectPayloads(place, service)):
            with pytest.raises(
                StoreUnfitError, match="s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket"
            ) as caught:
                attempt()
            assert "geheim" not in str(caught.value)
        with pytest.raises(StoreUnfitError, match="S3 refuses the bucket"):
            prove(place, service)
    finally:
        server.kill()


def test_no_keys_at_all(s3_server, service, monkeypatch):
    """Where nothing gives keys, the place that clouds give them at is asked; at start that is a mistake with a name."""
    use(monkeypatch, s3_server, AWS_METADATA_ENDPOINT=f"http://127.0.0.1:{free_port()}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(StoreUnfitError, match="no keys for the bucket some-bucket: set AWS_ACCESS_KEY_ID"):
        prove(PayloadPlace("s3://some-bucket"), service)


def test_a_server_that_is_down_and_comes_back(own_s3, service, monkeypatch):
    """While it is down everything fails as an outage does; the same store works once it is back."""
    use(monkeypatch, own_s3)
    bucket = own_s3.bucket()
    place = PayloadPlace(f"s3://{bucket}/x")
    store = ObjectPayloads(place, service)
    reference = store.write(OWNER, "name", [b"x"], 60.0)
    own_s3.kill()
    for attempt in attempts(store):
        with pytest.raises(PayloadsUnreachableError, match=f"the bucket {bucket} cannot be reached"):
            attempt()
    with pytest.raises(PayloadsUnreachableError, match="SALTERN_PAYLOADS: the bucket"):
        prove(place, service)
    own_s3.start()
    own_s3.client().create_bucket(Bucket=bucket)
    assert store.write(OWNER, "name", [b"x"], 60.0) == reference
    assert list(store.read(reference)) == [b"x"]


def test_a_place_that_is_away_at_the_start_may_come(service, redis_url, monkeypatch, caplog):
    """What passes keeps no process from starting: the timers have other things to do."""
    server = S3Server()
    use(monkeypatch, server)
    store = Store(service, Settings(redis_url=redis_url, payloads=PayloadPlace("s3://some-bucket")))
    store.check()
    assert "SALTERN_PAYLOADS: the bucket some-bucket cannot be reached" in caplog.text
    store.close()


def test_a_server_that_goes_while_a_payload_is_written(own_s3, service, monkeypatch):
    """The writer learns of it, and nothing of ours hides it behind what cleaning up would have said."""
    use(monkeypatch, own_s3)
    store = ObjectPayloads(PayloadPlace(f"s3://{own_s3.bucket()}"), service)

    def sent():
        for number in range(20):
            if number == 12:
                own_s3.kill()
            yield b"x" * (1 << 20)

    with pytest.raises(PayloadsUnreachableError):
        store.write(OWNER, "name", sent(), 60.0)


def test_a_folder_that_is_not_there(tmp_path, service):
    """At first that is a mistake; later it is an outage, as of a volume: nothing is taken for gone, nothing made in its place."""
    folder = tmp_path / "folder"
    place = PayloadPlace(f"file://{folder}")
    with pytest.raises(StoreUnfitError, match=f"the folder {folder} is not there: create it, or mount it"):
        prove(place, service)
    folder.mkdir()
    store = ObjectPayloads(place, service)
    reference = store.write(OWNER, "name", [b"x"], 60.0)
    folder.rename(tmp_path / "away")
    for attempt in attempts(store)[:5]:
        with pytest.raises(PayloadsUnreachableError, match="not there any more"):
            attempt()
    store.sweep()
    assert not folder.exists()
    (tmp_path / "away").rename(folder)
    assert list(store.read(reference)) == [b"x"]


READ_ONLY = """
import os, sys
import obstore.store
from saltern_runtime.spec.places import PayloadPlace
from saltern_runtime.store.objects import ObjectPayloads
if os.geteuid() == 0:
    os.setuid(65534)  # root may write anywhere; all modules are loaded by now
try:
    ObjectPayloads(PayloadPlace(sys.argv[1]), "service").check()
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_folder_that_may_not_be_written():
    """Without the right to write, the error says that this process needs it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        command = [sys.executable, "-c", READ_ONLY, f"file://{folder}"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    says = f"PayloadsUnfitError the folder {folder} cannot be used: this process must be able to write there"
    assert ended.stdout.startswith(says), ended


SMALL = """
import resource, signal, sys
from saltern_runtime.spec.places import PayloadPlace
from saltern_runtime.store.objects import ObjectPayloads
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    ObjectPayloads(PayloadPlace(sys.argv[1]), "service").write("owner", "name", [b"x" * 5000], 60.0)
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_file_that_does_not_fit_leaves_nothing(tmp_path):
    """Where the system takes no more bytes, the writer fails, and what was begun is removed."""
    ended = subprocess.run(
        [sys.executable, "-c", SMALL, f"file://{tmp_path}"], capture_output=True, text=True, check=True
    )
    assert ended.stdout.startswith("PayloadsUnfitError the folder")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("number", "kind"), [(28, PayloadsUnreachableError), (122, PayloadsUnreachableError), (30, StoreUnfitError)]
)
def test_a_full_disk_may_pass_and_a_read_only_one_does_not(tmp_path, number, kind):
    """What the library says of the system's error decides: space is made, a mount is not made writable by itself."""
    store = ObjectPayloads(PayloadPlace(f"file://{tmp_path}"), "service")
    with pytest.raises(kind, match="os error"), store._calls():
        raise RuntimeError(f"Generic LocalFileSystem error: Unable to copy data to file: something (os error {number})")


FORKING = """
import os, sys
from saltern_runtime.settings import Settings
from saltern_runtime.spec.places import PayloadPlace
from saltern_runtime.store.store import Store

store = Store(sys.argv[2], Settings(redis_url=sys.argv[3], payloads=PayloadPlace(sys.argv[1])))
store.check()
if sys.argv[4] == "used":
    store.payloads.write("0-0", "name", [b"x"], 60.0)
sys.stdout.flush()
if not (child := os.fork()):
    try:
        reference = store.payloads.write("0-0", "name", [b"x"], 60.0)
        print(b"".join(store.payloads.read(reference)).decode(), flush=True)
    except Exception as error:
        print(type(error).__name__, error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.mark.parametrize(
    ("how", "says"), [("checked", "x\n"), ("used", "PayloadsUnfitError payloads were used before")]
)
def test_forks(objects, service, redis_url, how, says):
    """After a check a process may fork, and its children use payloads; after a use they fail at once in place of waiting for ever."""
    command = [sys.executable, "-c", FORKING, objects.place, service, redis_url, how]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.startswith(says), ended.stderr


def test_without_the_library(tmp_path, service, monkeypatch):
    """Where the extra is not installed, the error says which one to install."""
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(StoreUnfitError, match=r"install saltern-runtime\[objects\]"):
        ObjectPayloads(PayloadPlace(f"file://{tmp_path}"), service).write(OWNER, "name", [b"x"], 60.0)
