"""The commonest mistakes with files, and what clients send without being asked: what each means, or a sentence that says what to do."""

import pytest

from saltern_runtime.files import File
from tests.runtime.web.files.test_forms import END, PDF, doc, given, part, post, refused
from tests.runtime.web.files.test_hooks import hook

pytestmark = pytest.mark.anyio
__all__ = ["given", "hook", "post"]  # fixtures
UNTOUCHED = "application/octet-stream"
"""What browsers say of a field that nobody chose a file for."""


@pytest.mark.parametrize("name", ["doc", "docs", "any_of", "note", "other"])
async def test_a_field_that_nobody_touched_is_absent(post, given, payloads, name):
    """A browser sends it all the same: without a name, and without bytes."""
    assert await given(await post(part("count", "1"), doc(name, b"", "", UNTOUCHED))) == {"count": 1}
    assert payloads() == 0


async def test_an_untouched_field_beside_a_file(post, given):
    """Of one name with a chosen one, in any order."""
    run = await given(await post(doc("docs", b"", "", UNTOUCHED), doc("docs"), doc("docs", b"", "", UNTOUCHED)))
    assert run == {"docs": [PDF.to_json()]}


async def test_an_untouched_field_of_a_webhook_is_absent(hook):
    """As in the form of a run."""
    answer, got = await hook(part("count", "3") + doc("doc", b"", "", UNTOUCHED) + doc("note", b"", "", "") + END)
    assert (answer.status_code, got) == (202, {"count": 3})


@pytest.mark.parametrize(
    ("sent", "file"),
    [
        (doc("doc", b"", "a.txt", "text/plain"), File.of("a.txt", b"")),
        (doc("doc", b"x", "", "text/plain"), File.of("file", b"x", "text/plain")),
    ],
)
async def test_an_empty_file_is_one(post, given, hook, sent, file):
    """What has a name, or bytes, was chosen."""
    expected = {"doc": file.to_json()}
    assert await given(await post(sent)) == expected
    answer, got = await hook(sent + END)
    assert (answer.status_code, got) == (202, expected)


def one_finding(answer):
    """Return the one sentence, which is no library's."""
    (finding,) = answer.json()["errors"]
    assert not any(word in finding["detail"] for word in ("Value error", "pattern", "dictionary", "Input should")), (
        finding
    )
    return finding["detail"]


@pytest.mark.parametrize("given_", ["hi", "", 5, None, True, ["a.pdf"], {}, {"name": "a.pdf"}, {"path": "a.pdf"}])
async def test_what_is_no_file_says_how_one_is_given(client, given_):
    """Whatever stands in its place."""
    answer = await client.post("/runs", json={"deep": {"doc": given_}})
    refused(answer, 422, "invalid-request", "#/deep/doc")
    assert "base64" in one_finding(answer)
    assert "upload" in one_finding(answer)


async def test_a_forgotten_at_sign(post):
    """`-F doc=hi` is a text."""
    answer = await post(part("doc", "hi"))
    refused(answer, 422, "invalid-request", "#/doc")
    assert "-F 'NAME=@PATH'" in one_finding(answer)


@pytest.mark.parametrize(
    ("given_", "pointer", "says"),
    [
        ({"name": "a/b.pdf", "base64": "YQ=="}, "#/doc/name", "no slash"),
        ({"name": "", "base64": "YQ=="}, "#/doc/name", "no slash"),
        ({"name": 5, "base64": "YQ=="}, "#/doc/name", "no slash"),
        ({"name": "a", "base64": "YQ==", "media_type": "pdf"}, "#/doc/media_type", "application/pdf"),
        ({"name": "a", "base64": "YQ==\nYQ=="}, "#/doc", "line breaks"),
        ({"name": "a", "base64": None}, "#/doc", "line breaks"),
        ({"name": "a", "base64": "ä"}, "#/doc", "line breaks"),
        (PDF.to_json() | {"sha256": "x"}, "#/doc/sha256", "64"),
    ],
)
async def test_what_is_wrong_with_a_file_is_a_sentence(client, given_, pointer, says):
    """No pattern, no word of a library."""
    answer = await client.post("/runs", json={"doc": given_})
    refused(answer, 422, "invalid-request", pointer)
    assert says in one_finding(answer)


@pytest.mark.parametrize("sent", [doc("input", b"{}", "rest.json", "application/octet-stream"), part("input", "{}")])
async def test_a_whole_that_does_not_say_it_is_json(post, sent):
    """The answer says what to write behind it."""
    answer = await post(sent)
    refused(answer, 422, "invalid-request", "#/input")
    assert ";type=application/json" in one_finding(answer)


CURLS = ["application/octet-stream", "application/x-www-form-urlencoded", "Application/Octet-Stream; a=b"]


@pytest.mark.parametrize("kind", CURLS)
@pytest.mark.parametrize("file", [File.of("a.pdf", b"x"), File.of("a", b"x")])
async def test_a_type_that_says_nothing_is_what_the_name_says(client, post, given, kind, file):
    """As curl sends one unasked: with an upload, and in a form."""
    stored = await client.post("/files", params={"name": file.name}, content=b"x", headers={"content-type": kind})
    assert stored.json() == file.to_json()
    assert await given(await post(doc("doc", b"x", file.name, kind))) == {"doc": file.to_json()}


@pytest.mark.parametrize(
    ("name", "called"),
    [("b.html", "b.html"), ("../x\r\nA: b", "xA: b"), ("", "file"), ("Grüße.txt", "Gr%C3%BC%C3%9Fe.txt")],
)
async def test_a_download_is_called_as_is_asked(client, name, called):
    """One file has as many names as uploads; whoever links to it knows which it means."""
    stored = (await client.post("/files", params={"name": "a.txt"}, content=b"x")).headers["location"]
    plain, asked = await client.get(stored), await client.get(stored, params={"name": name})
    assert "filename*=UTF-8''a.txt" in plain.headers["content-disposition"]
    assert called in asked.headers["content-disposition"].replace("%20", " ").replace("%3A", ":")
    assert asked.headers["content-type"] == "text/plain"
    assert asked.headers["content-disposition"].startswith("attachment; ")


async def test_a_name_of_a_download_has_bounds(client):
    """As that of an upload."""
    assert (await client.get(f"/files/{PDF.sha256}", params={"name": "x" * 1001})).status_code == 422
