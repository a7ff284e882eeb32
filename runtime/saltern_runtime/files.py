"""Files: what a value says of one, and how a node reads the bytes or makes new ones.

A file's value is small and goes wherever values go; its bytes lie in the payload store, under their tenant and digest.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import io
import mimetypes
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from types import UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    Protocol,
    Self,
    TypeAlias,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import (
    BaseModel,
    Field,
    GetJsonSchemaHandler,
    PrivateAttr,
    ValidationError,
    WrapValidator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from saltern_runtime.models import Int, Model

CHUNK: Final = 1 << 20
"""Bytes that are handed on at a time, at most."""
OCTETS: Final = "application/octet-stream"
ESSENCE: Final = r"[!#$&^_.+\-A-Za-z0-9]{1,100}/[!#$&^_.+\-A-Za-z0-9]{1,100}"
"""A media type without its parameters."""
PARAMETERS: Final = r"[ -~]{1,200}"
"""What may stand behind its semicolon: no line break, nothing that is not ASCII."""
_MEDIA_TYPE: Final = rf"^{ESSENCE}(?: ?; ?{PARAMETERS})?$"
_NAME: Final = r"^[^\x00-\x1f\x7f/\\\u2028\u2029]{1,255}$"
_BASE64: Final = "base64"
_NOT_BASE64: Final = "`base64` is not base64: it is the file's bytes as RFC 4648 writes them, with padding and without line breaks (`base64 -w0 PATH`)"
WANTED: Final = "file_wanted"
"""The type of pydantic's error where something else stands in the place of a file."""


_HOW: Final = (
    "a file is wanted: send one as a part of a form (`curl -F 'NAME=@PATH'`, with the @), or give what an upload answered "
    "({ name, media_type, size, sha256 }), or the bytes as { name, base64 }"
)


def _or_else(why: str) -> WrapValidator:
    """Say what is wanted in one sentence, whatever is wrong with a value."""

    def check(value: Any, handler: Any) -> Any:
        try:
            return handler(value)
        except ValidationError:
            raise PydanticCustomError("file", why) from None

    return WrapValidator(check)


_NAMED: Final = _or_else("a file's name has 1 to 255 characters: no slash, no backslash, no control character")
_TYPED: Final = _or_else("a media type is written like application/pdf")
_SUMMED: Final = _or_else("`sha256` is the digest of the bytes in 64 lower-case hex digits, as an upload answers it")


class File(Model):
    """A file: what it is called, what it says it is, and which bytes it has."""

    name: Annotated[str, Field(pattern=_NAME), _NAMED]
    """Without folders: no slash, no control character."""
    media_type: Annotated[str, Field(pattern=_MEDIA_TYPE), _TYPED]
    """As whoever gave it says; nothing has looked into the bytes."""
    size: Annotated[Int, Field(ge=0)]
    """Bytes."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$"), _SUMMED]
    """Digest of the bytes, in hex."""
    _content: bytes | None = PrivateAttr(None)

    @model_validator(mode="wrap")
    @classmethod
    def _given(cls, value: Any, handler: Any) -> Self:
        """Take bytes that came along as base64: `{ name, media_type?, base64 }`."""
        if not isinstance(value, Mapping) or not {_BASE64, "sha256"} & set(value):
            try:
                return cast("Self", handler(value))
            except ValidationError:
                raise PydanticCustomError(WANTED, _HOW) from None
        if _BASE64 not in value:
            return cast("Self", handler(value))
        unknown = sorted(set(value) - {"name", "media_type", _BASE64})
        if unknown:
            raise PydanticCustomError(
                "file", "beside `base64`, a file has a `name` and a `media_type`, and nothing else"
            )
        try:
            content = base64.b64decode(value[_BASE64], validate=True)
        except (TypeError, ValueError, binascii.Error):
            raise PydanticCustomError("file", _NOT_BASE64) from None
        name = value.get("name", "file")
        media_type = value.get("media_type") or media_type_of(name if isinstance(name, str) else "")
        digest = hashlib.sha256(content).hexdigest()
        made: Self = handler({"name": name, "media_type": media_type, "size": len(content), "sha256": digest})
        made._content = content
        return made

    @classmethod
    def of(cls, name: str, content: bytes, media_type: str = "") -> Self:
        """Make a file of bytes; whoever starts a run with it has them stored."""
        made = cls(
            name=name,
            media_type=media_type or media_type_of(name),
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        made._content = content
        return made

    def __eq__(self, other: object) -> bool:
        """Compare what is said of the files, wherever their bytes are."""
        return isinstance(other, File) and self._said == other._said

    def __hash__(self) -> int:
        return hash(self._said)

    @property
    def _said(self) -> tuple[object, ...]:
        return self.name, self.media_type, self.size, self.sha256

    @property
    def content(self) -> bytes | None:
        """Bytes that came along and are not stored yet."""
        return self._content

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes, at most `CHUNK` at a time; raises PermanentError (`file-gone`) where they are kept no longer."""
        if self._content is not None:
            return iter((self._content,))
        return here().chunks(self)

    def read(self) -> bytes:
        """Return all bytes at once."""
        return b"".join(self.chunks())

    def open(self) -> io.BufferedReader:
        """Return the bytes as a binary stream that cannot seek."""
        return io.BufferedReader(Chunks(self.chunks()), CHUNK)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Say both ways in which a file may be given, where it is one that comes in."""
        written = super().__get_pydantic_json_schema__(schema, handler)
        held = handler.resolve_ref_schema(written)
        held["properties"]["size"]["minimum"] = 0  # which the type of its ints does not tell
        if handler.mode == "validation":
            whole = {key: held.pop(key) for key in list(held) if key not in ("title", "description")}
            held["anyOf"] = [whole, _INLINE]
        return written


_INLINE: Final[JsonSchemaValue] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 255},
        "media_type": {"type": "string"},
        _BASE64: {"type": "string", "contentEncoding": "base64"},
    },
    "required": [_BASE64],
    "additionalProperties": False,
}


class Files(Protocol):
    """Where a node finds the bytes of its tenant's files; what it makes is kept as long as its run."""

    def chunks(self, file: File) -> Iterator[bytes]:
        """Yield the bytes of a file, at most `CHUNK` at a time; raises PermanentError (`file-gone`)."""

    def keep(self, chunks: Iterable[bytes], *, name: str, media_type: str) -> File:
        """Store bytes as they come and return their file; raises PermanentError (`file-too-large`)."""

    def secure(self, value: object) -> None:
        """Have all files in a value kept as long as the run: store bytes that came along, hold the others; raises PermanentError."""


_HERE: Final[ContextVar[Files]] = ContextVar("saltern_files")


def here() -> Files:
    """Return the files of the run that this code is a part of."""
    try:
        return _HERE.get()
    except LookupError:
        raise RuntimeError("the bytes of a file can be had only while a node of its run is at work") from None


@contextlib.contextmanager
def at_work(files: Files) -> Iterator[None]:
    """Say whose files `here` returns."""
    token = _HERE.set(files)
    try:
        yield
    finally:
        _HERE.reset(token)


def media_type_of(name: str) -> str:
    """Return what the end of a name says the file is."""
    return _BY_END.get(name.rpartition(".")[2].lower()) or OCTETS


_BY_END: Final[Mapping[str, str]] = {
    **{end.removeprefix("."): kind for end, kind in mimetypes.MimeTypes((), strict=True).types_map[True].items()},
    "md": "text/markdown",
    "jsonl": "application/jsonl",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def clean_name(name: str) -> str:
    """Return a name that a file may have, out of one that came from outside: the last part of a path, without control characters."""
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join(char for char in last if char.isprintable() and not "\ud800" <= char <= "\udfff").strip()
    return plain[:255] or "file"


Place: TypeAlias = tuple[str | int, ...]
"""Keys and indexes that lead to something in a JSON value."""


def files_in(value: object) -> Iterator[File]:
    """Yield every file in a value: of models, lists and dicts, all the way down."""
    for _, file in placed(value):
        yield file


def placed(value: object) -> Iterator[tuple[Place, File]]:
    """Yield every file in a value with its place in the value's JSON."""
    waits: list[tuple[Place, object]] = [((), value)]
    while waits:
        at, found = waits.pop()
        if isinstance(found, File):
            yield at, found
        elif isinstance(found, BaseModel):
            fields = type(found).model_fields
            names = {name: fields[name].alias or name for name in found.model_fields_set if name in fields}
            waits += [((*at, alias), getattr(found, name)) for name, alias in names.items()]
        elif isinstance(found, Mapping):
            waits += [((*at, str(key)), member) for key, member in found.items()]
        elif isinstance(found, list | tuple):
            waits += [((*at, index), member) for index, member in enumerate(found)]


def gathered(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Join what comes in small pieces, so that the store is called once for each `CHUNK`."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) >= CHUNK:
            yield bytes(held[:CHUNK])
            del held[:CHUNK]
    if held:
        yield bytes(held)


def mentions_files(of: Any, _seen: frozenset[Any] = frozenset()) -> bool:
    """Whether values of an annotated type may have files in them."""
    if of is File or of in _seen:
        return of is File
    seen = _seen | {of}
    if isinstance(of, type) and issubclass(of, BaseModel):
        return any(mentions_files(field.annotation, seen) for field in of.model_fields.values())
    if hasattr(of, "__required_keys__"):  # a TypedDict, of whichever module
        return any(mentions_files(part, seen) for part in get_type_hints(of).values())
    return any(mentions_files(part, seen) for part in get_args(of) if get_origin(of) is not Literal)


def file_shapes(of: Any) -> frozenset[str]:
    """Return the shapes in which a type takes files: `one` file, `many` (a list of them), either, or none of these."""
    if of is File:
        return frozenset({"one"})
    if get_origin(of) is list:
        return frozenset({"many"}) if "one" in file_shapes(get_args(of)[0]) else frozenset()
    if get_origin(of) in (Union, UnionType, Annotated):
        return frozenset().union(*map(file_shapes, get_args(of)))
    return frozenset()


class Chunks(io.RawIOBase):
    """Reads an iterator of chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.begin(chunks)

    def begin(self, chunks: Iterator[bytes]) -> None:
        """Read these from now on."""
        self._chunks = chunks
        self._left = memoryview(b"")

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what comes next."""
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._left = memoryview(chunk)
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size
