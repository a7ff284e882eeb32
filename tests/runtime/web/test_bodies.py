"""What webhooks read: JSON, forms, multipart fields, plain text; typed like JSON, and bounded."""

import json
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from fastapi import FastAPI, Response

from saltern_runtime.models import Bool, Double, Int, Maybe, Model
from saltern_runtime.web import Delivery, PipelineRouter
from tests.support.vendors import KEY, github, slack
from tests.support.web import GRAPH, Input, Output

pytestmark = pytest.mark.anyio
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=XX"


class Wide(Model):
    """One field of each kind that a form may have, typed as generated models are."""

    text: str
    count: Int = 0
    ratio: Double = 0.0
    sure: Bool = False
    maybe: Int | None = None
    tags: Maybe[list[str]] = None
    sizes: Maybe[list[Int]] = None
    any: Any = None


class Raw(Model):
    """What a text comes as."""

    body: str


def part(name, value, more=""):
    return f'--XX\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'


@cache
def hooked(model, signature, body):
    """Make an app with a webhook that reads a model."""
    router = PipelineRouter(GRAPH, output=Output)
    secret = {} if signature == "none" else {"secret": "env:HOOK_SECRET"}

    async def receive(body: model, deliver: Delivery) -> Response:
        return await deliver(body)

    receive.__annotations__["body"] = model
    router.webhook("/hook", signature=signature, body=body, **secret)(receive)
    app = FastAPI()
    app.include_router(router)
    return app


@pytest.fixture
def hook(furnish, connect, service, monkeypatch):
    """Send a body to a webhook of some model; gives the answer, and what the run was given."""
    monkeypatch.setenv("HOOK_SECRET", KEY)

    async def hook(content, kind, *, model=Wide, signature="none", headers=None, body=""):
        async with connect(furnish(hooked(model, signature, body)), None) as client:
            content = content.encode() if isinstance(content, str) else content
            signed = {"github": github, "slack": slack}[signature](content) if signature != "none" else {}
            answer = await client.post(
                "/hook", content=content, headers={"content-type": kind, **signed, **(headers or {})}
            )
        run = service.runs.get(answer.json().get("id"))
        return answer, None if run is None else run.input

    return hook


async def test_a_form_is_typed_like_json(hook):
    """Texts become what the input declares: numbers, truth, lists of one or many; what is a text stays one."""
    fields = [("text", "5"), ("count", "5"), ("ratio", "2"), ("sure", "true"), ("maybe", "null"), ("any", "7")]
    fields += [("tags", "a b"), ("sizes", "1"), ("sizes", "2")]
    answer, given = await hook(urlencode(fields), FORM)
    assert answer.status_code == 202, answer.text
    assert given == {
        "text": "5",
        "count": 5,
        "ratio": 2.0,
        "sure": True,
        "maybe": None,
        "any": "7",
        "tags": ["a b"],
        "sizes": [1, 2],
    }


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"text": "a", "count": "five"}, "#/count"),
        ({"text": "a", "sure": "maybe"}, "#/sure"),
        ({"count": "5"}, "#/text"),
        ({"text": "a", "other": "b"}, "#/other"),
        ({"text": "a", "ratio": "wide"}, "#/ratio"),
        ({"text": "a", "count": "{}"}, "#/count"),
        ({"text": "a", "ratio": "1e999"}, "#/ratio"),
    ],
)
@pytest.mark.parametrize("multipart", [False, True])
async def test_a_form_of_the_wrong_type_is_422(hook, service, fields, pointer, multipart):
    """With the place of the field, as for JSON."""
    text = "".join(part(*field) for field in fields.items()) + "--XX--\r\n" if multipart else urlencode(fields)
    answer, _ = await hook(text, MULTIPART if multipart else FORM)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert not service.runs


async def test_a_field_that_comes_twice_is_no_text(hook):
    """Nothing is dropped without a word."""
    answer, _ = await hook("text=a&text=b", FORM)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/text")


async def test_multipart_fields_are_read(hook):
    """Like those of a form."""
    answer, given = await hook(part("text", "Grüße") + part("count", "3") + part("tags", "a") + "--XX--\r\n", MULTIPART)
    assert answer.status_code == 202, answer.text
    assert given == {"text": "Grüße", "count": 3, "tags": ["a"]}


async def test_a_file_is_refused(hook, service):
    """A problem that says which field it is, whatever stands in it."""
    body = part("text", "a") + part("photo", "x", '; filename="a.png"\r\nContent-Type: image/png')
    answer, _ = await hook(body.encode() + b"--XX--\r\n", MULTIPART)
    assert (answer.status_code, answer.json()["code"]) == (415, "files-not-taken")
    answer, _ = await hook(body.replace("\r\nx\r\n", "\r\n\xff\x00\r\n").encode("latin-1") + b"--XX--\r\n", MULTIPART)
    assert (answer.status_code, answer.json()["code"]) == (415, "files-not-taken")
    assert not service.runs


@pytest.mark.parametrize(
    ("body", "kind", "problem"),
    [
        ("&".join(f"f{n}=1" for n in range(1100)), FORM, (400, "too-many-fields")),
        (
            "".join(part(f"f{n}", "") for n in range(120)) + "--XX--\r\n",
            MULTIPART + "; charset=utf-16",
            (415, "unsupported-charset"),
        ),
        ("text=%ff", FORM, (400, "malformed-form")),
        ("text=\xff", FORM, (400, "malformed-form")),
        (b"text=\xff", FORM, (400, "malformed-form")),
        (part("text", "\xff").encode("latin-1") + b"--XX--\r\n", MULTIPART, (400, "malformed-form")),
        (part("text", "Grüße") + "--XX--\r\n", MULTIPART + "; charset=us-ascii", (400, "malformed-form")),
        ("no parts at all", MULTIPART, (400, "malformed-form")),
        (part("text", "a"), "multipart/form-data", (400, "malformed-form")),
        ("--XX\r\n\r\na\r\n--XX--\r\n", MULTIPART, (400, "malformed-form")),
        ("text=" + "a" * 9000, FORM, (413, "body-too-large")),
        (part("text", "a" * 9000) + "--XX--\r\n", MULTIPART, (413, "body-too-large")),
        ("text=a", FORM + "; charset=latin-1", (415, "unsupported-charset")),
        ('{"text": "a"}', "text/plain", (415, "unsupported-media-type")),
        ("<a/>", "application/xml", (415, "unsupported-media-type")),
        ("a", "", (415, "unsupported-media-type")),
    ],
)
async def test_hostile_bodies_are_refused(hook, service, body, kind, problem):
    """Too large, too many fields, broken, or of a kind that is not read: a problem each, no run."""
    answer, _ = await hook(body, kind)
    assert (answer.status_code, answer.json()["code"]) == problem
    assert not service.runs


async def test_too_many_parts_are_refused(hook, service, settings, monkeypatch):
    """As many fields as a form may have, not one more."""
    monkeypatch.setattr("saltern_runtime.web.multipart.MAX_PARTS", 5)
    answer, _ = await hook("".join(part(f"f{n}", "") for n in range(6)) + "--XX--\r\n", MULTIPART)
    assert (answer.status_code, answer.json()["code"]) == (400, "too-many-fields")
    assert not service.runs


async def test_githubs_form_carries_json(hook):
    """In the field `payload`, which GitHub sends where its content type is the form."""
    text = "payload=" + quote(json.dumps({"text": "a", "count": 3}))
    answer, given = await hook(text, FORM, signature="github")
    assert answer.status_code == 202, answer.text
    assert given == {"text": "a", "count": 3}
    deep = "payload=" + quote("[" * 70 + "]" * 70)
    answer, _ = await hook(deep, FORM, signature="github")
    assert (answer.status_code, answer.json()["code"]) == (400, "nested-too-deeply")


async def test_slacks_commands_and_clicks(hook, service):
    """A command is a form, a click JSON in its field `payload`; each is known by its trigger_id."""
    command = "text=deploy&trigger_id=13345224609.8534564800"
    for text in (command, "payload=" + quote(json.dumps({"text": "click", "trigger_id": "1.2"}))):
        first, _ = await hook(text, FORM.title(), model=Command, signature="slack")
        again, _ = await hook(text, FORM, model=Command, signature="slack")
        assert (first.status_code, again.json()) == (202, {**first.json(), "created": False})
    assert [run.input["text"] for run in service.runs.values()] == ["deploy", "click"]


@pytest.mark.parametrize("text", ["", "&", "&&&&"])
async def test_a_command_without_fields_is_read_like_any_other(hook, text):
    """What names nothing has no trigger_id, and lacks what the input declares."""
    answer, _ = await hook(text, FORM, model=Command, signature="slack")
    assert answer.status_code == 422


class Command(Model):
    """A part of a command."""

    text: str
    trigger_id: str


async def test_a_payload_of_anyone_else_is_a_field(hook):
    """Only where the vendor says so does a field hold JSON; the field without a name is none of theirs."""
    for name in ("payload", ""):
        answer, _ = await hook(f'{name}={{"text":"a"}}', FORM)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/text")


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "application/xml; charset=utf-8", FORM, ""])
async def test_a_text_is_taken_as_it_came(hook, kind):
    """`body="text"` gives the whole body in the input's field `body`, whatever it is said to be."""
    answer, given = await hook('{"a": 1}\n\x00é', kind, model=Raw, body="text")
    assert answer.status_code == 202, answer.text
    assert given == {"body": '{"a": 1}\n\x00é'}


@pytest.mark.parametrize(
    ("body", "kind", "headers", "code"),
    [
        (b"\xff", "text/plain", {}, "malformed-text"),
        (b"a", "text/plain; charset=utf-16", {}, "unsupported-charset"),
        (b"a", "text/plain", {"content-encoding": "gzip"}, "unsupported-encoding"),
    ],
)
async def test_a_text_that_is_none_is_refused(hook, body, kind, headers, code):
    """Texts are UTF-8 and not compressed."""
    answer, given = await hook(body, kind, model=Raw, body="text", headers=headers)
    assert (answer.json()["code"], given) == (code, None)


async def test_an_empty_text_is_one(hook):
    """A delivery without a body has the empty text."""
    answer, given = await hook("", "text/plain", model=Raw, body="text")
    assert (answer.status_code, given) == (202, {"body": ""})


async def test_the_api_takes_json_alone(client):
    """Forms are for webhooks: a page elsewhere cannot post one to `/runs`."""
    answer = await client.post("/runs", content="id=a", headers={"content-type": FORM})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-media-type")
    assert Input(id="a").count == 0
