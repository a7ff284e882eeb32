"""Headers, names and references made to harm: a clear answer at once, and nothing of another's."""

import json

import anyio
import pytest

from saltern_runtime.web.backend import Shares
from tests.runtime.web.files.test_forms import END, KIND, PDF, doc, part
from tests.runtime.web.files.test_hooks import hook  # noqa: F401 - a fixture

pytestmark = pytest.mark.anyio
DIGITS = "1" * 5000


@pytest.mark.parametrize("more", ['x="' + ";" * 60_000, f"a*{DIGITS}*=x"], ids=["long", "number"])
@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=b"])
async def test_a_type_that_takes_long_to_read_is_none(client, kind, more):
    """Its parameters are looked at up to a length."""
    answer = await client.post("/runs", content=b"{}", headers={"content-type": f"{kind}; {more}"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-media-type")


@pytest.mark.parametrize(
    ("said", "called"),
    [
        (f"attachment; filename*{DIGITS}*=x", "file"),
        ("attachment; filename=" + "x;" * 5000, "file"),
        ("attachment; filename*=a%00b''x", "x"),
        ("attachment; filename*=unicode_escape''%5cud800", "\\ud800".replace("\\", "").strip() or "file"),
        ("attachment; filename*=idna''xn--a", "xn--a"),
    ],
)
async def test_a_name_that_cannot_be_read_is_none(client, said, called):
    """The file comes in all the same."""
    answer = await client.post("/files", content=b"x", headers={"content-disposition": said, "content-type": "a/b"})
    assert (answer.status_code, answer.json()["name"]) == (201, called)


@pytest.mark.parametrize(
    "field",
    [
        b"filename*=a\0b''x; name=doc",
        b"name*=unicode_escape''%5cud800; filename=x",
        b"name=doc; filename*%d*=x" % int(DIGITS[:4000]),
    ],
)
async def test_a_part_that_cannot_be_read_is_refused(client, field):
    """With a problem that can be written."""
    body = b"--b\r\nContent-Disposition: form-data; " + field + b"\r\n\r\nx\r\n--b--\r\n"
    answer = await client.post("/runs", content=body, headers={"content-type": "multipart/form-data; boundary=b"})
    assert answer.status_code in (202, 400, 422), answer.text
    assert answer.status_code == 202 or answer.json()["code"]


async def test_a_webhook_names_no_file_of_its_tenant(hook, worker):  # noqa: F811 - the fixture above
    """Whoever calls it may be anyone: only what came with the call is taken."""
    worker.service.shelf.put("default", [b"%PDF"], name=PDF.name, media_type=PDF.media_type, keep=60)
    named = json.dumps({"doc": PDF.to_json()}).encode()
    answer, _ = await hook(named, "application/json")
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown-file")
    inline = json.dumps({"doc": {"name": "a.pdf", "base64": "JVBERg=="}}).encode()
    assert (await hook(inline, "application/json"))[0].status_code == 202
    assert (await hook(part("count", "3") + doc() + END, KIND))[0].status_code == 202


async def test_one_tenant_has_half_of_the_places():
    """The other half is for the others, whatever it does; who is done makes room."""
    shares, inside, most = Shares(4), [], []

    async def work(tenant, done):
        async with shares.one(tenant), shares.whole:
            inside.append(tenant)
            most.append(inside.count("a"))
            await done.wait()
            inside.remove(tenant)

    done = anyio.Event()
    async with anyio.create_task_group() as group:
        for tenant in "aaaaab":
            group.start_soon(work, tenant, done)
        await anyio.wait_all_tasks_blocked()
        assert sorted(inside) == ["a", "a", "b"]
        assert (shares.is_full("a"), shares.is_full("b"), shares.is_full("c")) == (True, False, False)
        done.set()
    assert max(most) == 2
    assert not shares.is_full("a")
