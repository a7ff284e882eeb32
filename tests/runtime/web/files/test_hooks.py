"""Webhooks with files: stored once the signature was verified, and only where the input expects one."""

import json

import pytest

from saltern_runtime.files import File
from saltern_runtime.web import tokens
from saltern_runtime.web.backend import Backend
from tests.runtime.web.files.test_forms import END, KIND, PDF, doc, part
from tests.support.vendors import KEY, github

pytestmark = pytest.mark.anyio


@pytest.fixture
async def hook(hooked, worker, settings, connect, monkeypatch):
    """Send a delivery as GitHub signs it; gives the answer and the run's input."""
    monkeypatch.setenv("HOOK_SECRET", KEY)
    hooked.state.saltern_backends = {
        worker.service.graph.name: Backend(worker.service, settings, tokens.read(settings.api_tokens))
    }
    async with connect(hooked, None) as client:

        async def hook(content, kind=KIND, **headers):
            answer = await client.post(
                "/hook", content=content, headers={"content-type": kind, **github(content), **headers}
            )
            run = worker.service.get(answer.json().get("id", ""), "default")
            return answer, None if run is None else run.input

        yield hook


async def test_a_form_with_files_is_taken(hook, worker):
    """A file is its reference, texts are typed as ever; the bytes are the webhook tenant's."""
    answer, given = await hook(part("count", "3") + doc() + doc("docs") + END)
    assert answer.status_code == 202, answer.text
    assert given == {"count": 3, "doc": PDF.to_json(), "docs": [PDF.to_json()]}
    assert b"".join(worker.service.shelf.chunks("default", PDF.sha256)) == b"%PDF"


async def test_a_wrong_signature_stores_nothing(hook, payloads):
    """Whatever is in the form."""
    answer, _ = await hook(doc() + END, **{"x-hub-signature-256": "sha256=" + "0" * 64})
    assert (answer.status_code, payloads()) == (401, 0)


@pytest.mark.parametrize("name", ["note", "deep", "other"])
async def test_a_file_that_is_not_expected_is_refused(hook, payloads, name):
    """As it was before there were files."""
    answer, _ = await hook(doc(name) + END)
    assert (answer.status_code, answer.json()["code"], payloads()) == (415, "files-not-taken", 0)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (doc() + doc() + END, (422, "invalid-request")),
        (doc()[:-10], (400, "malformed-form")),
        (doc(content=b"x" * 9000) + END, (413, "body-too-large")),
        (doc(kind="nothing") + END, (400, "bad-media-type")),
    ],
)
async def test_bounds_hold(hook, body, problem):
    """The whole delivery is within the limit of bodies; what is cut off or twice is refused."""
    answer, given = await hook(body)
    assert (answer.status_code, answer.json()["code"], given) == (*problem, None)


async def test_json_is_taken_as_before(hook):
    """With base64 where it has a file."""
    answer, given = await hook(json.dumps({"doc": {"name": "a.txt", "base64": "YQ=="}}).encode(), "application/json")
    assert answer.status_code == 202, answer.text
    assert given == {"doc": File.of("a.txt", b"a").to_json()}
