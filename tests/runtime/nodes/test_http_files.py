"""http.request with files: answers of any bytes become one, and files are sent as bodies or in forms, a part at a time."""

import email.parser
import email.policy
import gzip
import hashlib
import tracemalloc
import zlib

import pytest

from saltern_runtime.errors import PermanentError, TransientError
from saltern_runtime.files import CHUNK, File
from saltern_runtime.graph import Connection
from saltern_runtime.models import Model
from saltern_runtime.nodes import file, http
from saltern_runtime.spec import ANY, FILE, STRING, Bound, ListType, MapType
from tests.support.octets import send, serving

PIXEL = b"\x89PNG\r\n\x1a\n\x00\xff"


class Got(Model):
    """What a node that asks for a file gives."""

    status: int
    headers: dict[str, str]
    body: File


def fetch(context, files, url, **more):
    return http.request(context(files=files), url=url, as_file=Got, **more)


def test_any_bytes_become_a_file(context, files):
    """What is no text comes back as it was, with the type that the server says and the name of the path."""
    with serving(lambda handler, _: send(handler, PIXEL, Content_Type="image/png; q=1")) as url:
        got = fetch(context, files, f"{url}/a/one%20pixel.png?x=1")
    assert (got.status, got.body) == (200, File.of("one pixel.png", PIXEL, "image/png; q=1"))
    assert b"".join(files.chunks(got.body)) == PIXEL


def test_without_as_the_error_says_how(context, files):
    """Bytes that are no text are an error where a value is asked for; it names the parameter that takes them."""
    with (
        serving(lambda handler, _: send(handler, PIXEL, Content_Type="image/png")) as url,
        pytest.raises(PermanentError, match='as: "file"') as caught,
    ):
        http.request(context(files=files), url=url)
    assert caught.value.code == "not-text"


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="a b.pdf"', "a b.pdf"),
        ("attachment; filename=plain.pdf", "plain.pdf"),
        ("attachment; filename=\"x.pdf\"; filename*=UTF-8''%e4%b8%ad%2Fb.pdf", "b.pdf"),
        ("attachment; filename*=utf-8''%e4%b8%ad.pdf", "中.pdf"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="..\\\\..\\\\x.exe"', "x.exe"),
        ('attachment; filename="a\x07b"', "ab"),
        ("attachment; filename*=nope''x", "x"),
        ("attachment", "asked.bin"),
        ('attachment; filename=""', "asked.bin"),
        (f'attachment; filename="{"n" * 400}"', "n" * 255),
    ],
)
def test_the_name_is_the_servers(context, files, header, name):
    """Content-Disposition names it; folders and control characters are no part of a name."""
    with serving(lambda handler, _: send(handler, b"x", Content_Disposition=header)) as url:
        assert fetch(context, files, f"{url}/asked.bin").body.name == name


@pytest.mark.parametrize("kind", ["", "nonsense", "text/ht ml", "a/" + "b" * 300])
def test_an_unknown_type_is_octets(context, files, kind):
    """A type that cannot be one is left out."""
    with serving(lambda handler, _: send(handler, b"x", Content_Type=kind)) as url:
        assert fetch(context, files, f"{url}/").body == File.of("file", b"x")


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [
        ("Text/CSV;charset=ISO-8859-2", "text/csv; charset=ISO-8859-2"),
        ("text/csv ;  charset=x", "text/csv; charset=x"),
        ("text/csv;\tcharset=x", "text/csv; charset=x"),
        ("text/csv;", "text/csv"),
        ("text/csv; x=" + "y" * 300 + '; charset="koi8-r"', "text/csv; charset=koi8-r"),
        ("text/csv; x=\u00e9; charset=koi8-r", "text/csv; charset=koi8-r"),
        ("text/csv; x=\u00e9", "text/csv"),
    ],
)
def test_the_type_keeps_its_parameters(context, files, kind, media_type):
    """The charset above all, which says how the bytes are read; what no type may have is left out."""
    with serving(lambda handler, _: send(handler, b"x", Content_Type=kind)) as url:
        assert fetch(context, files, f"{url}/").body.media_type == media_type


def test_a_table_of_a_server_is_read_in_its_charset(context, files):
    """From the server's header to the rows, by way of a file."""
    content, kind = "miasto\n\u0105\u015b".encode("iso-8859-2"), "text/csv; charset=iso-8859-2"
    with serving(lambda handler, _: send(handler, content, Content_Type=kind)) as url:
        got = fetch(context, files, f"{url}/towns")
    assert file.rows(context(files=files, seconds=600), file=got.body).rows == [{"miasto": "\u0105\u015b"}]


def test_an_empty_answer_is_an_empty_file(context, files):
    """204 has no bytes, and is a file of none."""
    with serving(lambda handler, _: send(handler, b"", 204)) as url:
        assert fetch(context, files, f"{url}/x").body.size == 0


def test_more_than_a_value_may_have_fits_into_a_file(context, files):
    """The limit of values does not count; the answer is never held as a whole."""
    body = bytes(range(256)) * 4096 * 5
    with serving(lambda handler, _: send(handler, body)) as url:
        got = http.request(context(files=files, max_payload=1000), url=f"{url}/big", as_file=Got)
    assert got.body.sha256 == hashlib.sha256(body).hexdigest()
    assert max(len(chunk) for chunk in files.chunks(got.body)) <= CHUNK


def test_a_file_that_is_too_large_is_refused(context, files):
    """Also where it is small on the way: what counts is what it unpacks to."""
    bomb = gzip.compress(bytes(65 * CHUNK))
    with (
        serving(lambda handler, _: send(handler, bomb, Content_Encoding="gzip")) as url,
        pytest.raises(PermanentError) as caught,
    ):
        fetch(context, files, url)
    assert caught.value.code == "file-too-large"


def test_an_answer_that_breaks_off_is_tried_again(context, files):
    """Half a file is none."""

    def half(handler, _):
        send(handler, b"x" * 100, length=1000)
        handler.close_connection = True

    with serving(half) as url, pytest.raises(TransientError) as caught:
        fetch(context, files, url)
    assert caught.value.code == "connection-lost"


def test_a_refusal_is_no_file(context, files):
    """A status of 404 is the error that it always is."""
    with serving(lambda handler, _: send(handler, PIXEL, 404)) as url, pytest.raises(PermanentError) as caught:
        fetch(context, files, url)
    assert caught.value.code == "not-found"


def seen(handler, body):
    """Answer with what was sent."""
    headers = {name.lower(): value for name, value in handler.headers.items()}
    kept.append((headers, body))
    send(handler, b"{}", Content_Type="application/json")


kept = []


def test_a_file_is_a_body(context, files):
    """Its type and its length go along, its bytes come from the store a part at a time."""
    file = files.keep(iter([b"a" * CHUNK, b"b"]), name="a.bin", media_type="image/png")
    with serving(seen) as url:
        http.request(context(files=files), method="PUT", url=url, file=file, headers={"content-length": "3"})
    headers, body = kept.pop()
    assert body == b"a" * CHUNK + b"b"
    assert (headers["content-type"], headers["content-length"]) == ("image/png", str(CHUNK + 1))
    assert "transfer-encoding" not in headers


def test_files_make_a_form(context, files):
    """With other fields beside them: texts as they are, all else as JSON, null left out; the length is known before."""
    doc = files.keep(iter([b"some ", b"bytes"]), name='a "b".txt', media_type="text/plain")
    fields = {"purpose": "ocr", "n": 3, "none": None, "tags": ["x", None, "y"], "more": {"a": 1}, "yes": True}
    with serving(seen) as url:
        http.request(context(files=files), method="POST", url=url, body=fields, files={"doc": doc, "again": doc})
    headers, body = kept.pop()
    assert int(headers["content-length"]) == len(body)
    whole = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
        b"Content-Type: " + headers["content-type"].encode() + b"\r\n\r\n" + body
    )
    parts = [
        (part.get_param("name", header="content-disposition"), part.get_payload(decode=True)) for part in whole.walk()
    ][1:]
    assert parts == [
        ("purpose", b"ocr"), ("n", b"3"), ("tags", b"x"), ("tags", b"y"), ("more", b'{"a":1}'), ("yes", b"true"),
        ("doc", b"some bytes"), ("again", b"some bytes"),
    ]  # fmt: skip


def test_a_file_is_sent_again_with_a_new_token(context, files, monkeypatch):
    """Where a login is refused, all of the body goes out a second time."""
    tokens = iter(["old", "new"])

    def guarded(handler, body):
        if handler.path == "/token":
            send(
                handler,
                b'{"access_token": "%s", "expires_in": 600}' % next(tokens).encode(),
                Content_Type="application/json",
            )
        elif handler.headers["authorization"] == "Bearer new":
            seen(handler, body)
        else:
            send(handler, b"", 401)

    monkeypatch.setenv("CLIENT_SECRET", "hush")
    file = files.keep(iter([b"bytes"]), name="a", media_type="text/plain")
    with serving(guarded) as url:
        login = {"token_url": f"{url}/token", "client_id": "me"}
        connection = Connection(
            "vendor", "http", {"base_url": url, "oauth2": login}, {"oauth2.client_secret": "env:CLIENT_SECRET"}
        )
        http.request(context(connection, files=files), method="PUT", url="/x", file=file)
        http.request(context(connection, files=files), method="POST", url="/x", files={"f": file})
    assert kept.pop(0)[1] == b"bytes"
    assert b"bytes" in kept.pop()[1]


def test_bytes_that_came_along_need_no_store(context):
    """A test of a pipeline's own calls its nodes with files of its own."""
    with serving(seen) as url:
        http.request(context(), method="PUT", url=url, file=File.of("a", b"bytes"))
        http.request(context(), method="POST", url=url, files={"f": File.of("a", b"bytes")})
    assert kept.pop(0)[1] == b"bytes"
    assert b"bytes" in kept.pop()[1]


def test_a_file_that_is_gone_is_not_sent(context, files):
    """Its bytes are looked for before anything is said to have been sent."""
    with serving(seen) as url, pytest.raises(PermanentError) as caught:
        http.request(
            context(files=files), method="POST", url=url, file=File.of("a", b"x").model_copy(update={"_content": None})
        )
    assert caught.value.code == "file-gone"


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"file": FILE}, {"file": "a GET request carries no body"}),
        ({"files": MapType(FILE)}, {"files": "a GET request carries no body"}),
        ({"method": "POST", "file": FILE, "body": ANY}, {"file": "a file is a whole body: there is `body` beside it"}),
        ({"method": "POST", "file": FILE, "files": MapType(FILE)}, {"file": "a file is a whole body: there is `files` beside it"}),
        ({"method": "POST", "files": MapType(FILE), "body": STRING}, {"body": "beside `files`, the body is an object, not string"}),
        ({"method": "POST", "files": MapType(FILE), "body": ListType(ANY)}, {"body": "beside `files`, the body is an object, not list<any>"}),
        ({"method": "POST", "files": MapType(FILE), "body": MapType(ANY)}, {}),
        ({"method": "POST", "file": FILE}, {}),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_is_found_before(spec, params, found):
    """A body twice, or where none belongs, is a finding of the check."""
    literals = {name: value for name, value in params.items() if isinstance(value, str)}
    types = {name: STRING if isinstance(of, str) else of for name, of in params.items()}
    bound = Bound(literals, types)
    assert {problem.param: problem.message for problem in spec("http.request").check(bound)} == found


def test_the_type_of_the_body_is_file(spec):
    """`as: "file"` types the body, so that its name and its size can be read."""
    result = spec("http.request").result
    assert result(Bound({"as": "file"}, {})).field("body").type == FILE
    assert result(Bound({}, {})).field("body").type == ANY


def packed(body, *names):
    """Pack bytes, the first name first."""
    for name in names:
        body = {"gzip": gzip.compress, "deflate": zlib.compress, "raw": lambda raw: zlib.compress(raw)[2:-4]}[name](
            body
        )
    return body


@pytest.mark.parametrize("how", ["gzip", "deflate", "raw"])
def test_an_answer_is_unpacked(context, files, how):
    """Gzip and deflate, also without its header; several members of gzip are one body."""
    body = bytes(range(256)) * 20_000
    sent = packed(body, how) + (gzip.compress(b"more") if how == "gzip" else b"")
    encoding = "gzip" if how == "gzip" else "deflate"
    with serving(lambda handler, _: send(handler, sent, Content_Encoding=encoding, Content_Type="text/plain")) as url:
        got = fetch(context, files, url)
        text = http.request(context(max_payload=6_000_000), url=url).body
    whole = body + (b"more" if how == "gzip" else b"")
    assert b"".join(files.chunks(got.body)) == whole
    assert text == whole.decode("utf-8", "replace")


@pytest.mark.parametrize("as_file", [True, False])
@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (("gzip, gzip", packed(bytes(64 * CHUNK), "gzip", "gzip")), "bad-encoding"),
        (("br", b"\x8b\x00\x80x\x03"), "bad-encoding"),
        (("zstd", b"\x28\xb5\x2f\xfd"), "bad-encoding"),
        (("gzip", b"no gzip"), "bad-encoding"),
        (("gzip", packed(b"x" * 1000, "gzip")[:-9]), "bad-encoding"),
        (("deflate", b"\xff\xff\xff"), "bad-encoding"),
    ],
)
def test_what_cannot_be_unpacked_is_refused(context, files, as_file, sent, code):
    """Encodings on top of each other, ones that were not asked for, and what is none of them."""
    with (
        serving(lambda handler, _: send(handler, sent[1], Content_Encoding=sent[0])) as url,
        pytest.raises(PermanentError) as caught,
    ):
        http.request(context(files=files), url=url, as_file=Got if as_file else None)
    assert caught.value.code == code


def test_a_bomb_is_counted_while_it_unpacks(context):
    """64 MiB in a few hundred KiB: no more of it is unpacked than a value may have."""
    bomb = gzip.compress(bytes(1 << 26), 1)
    tracemalloc.start()
    try:
        with (
            serving(lambda handler, _: send(handler, bomb, Content_Encoding="gzip")) as url,
            pytest.raises(PermanentError) as caught,
        ):
            http.request(context(), url=url)
        assert tracemalloc.get_traced_memory()[1] < 32 * CHUNK + len(bomb)
    finally:
        tracemalloc.stop()
    assert caught.value.code == "too-large"
