"""Bodies that are not JSON: forms, multipart fields and texts, made into the JSON that the input declares. Files in them are stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

import anyio
from pydantic import BaseModel, TypeAdapter, ValidationError

from saltern_runtime.errors import pointer
from saltern_runtime.files import clean_name, file_shapes
from saltern_runtime.jsontext import JsonTextError, read_json
from saltern_runtime.spec import Json
from saltern_runtime.web import multipart
from saltern_runtime.web.documented import BYTES
from saltern_runtime.web.guards import Exchange, exchange
from saltern_runtime.web.multipart import Part, Parts
from saltern_runtime.web.problems import ProblemError
from saltern_runtime.web.requests import JsonRequest, parse
from saltern_runtime.web.uploads import FORM, pulling

TEXT: Final = "text"
"""The word for a webhook that takes any body as a text."""
MULTIPART: Final = "multipart/form-data"
MAX_FIELDS: Final = multipart.MAX_PARTS
"""Fields of a form, at most."""
WHOLE: Final = "input"
"""The part of a form that holds all other fields as JSON, where a run is started."""
Given = Mapping[str, Sequence[Json]]
"""Name → what came under it: texts, and JSON of files or of parts that say that they are JSON."""


class Fields:
    """The fields of a model, as forms have them."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model

    @cached_property
    def files(self) -> Mapping[str, frozenset[str]]:
        """Fields that take files as parts of a form: how many (`one`, `many`, or either)."""
        found = {field.alias or name: file_shapes(field.annotation) for name, field in self._model.model_fields.items()}
        return {name: shapes for name, shapes in found.items() if shapes}

    @cached_property
    def types(self) -> Mapping[str, TypeAdapter[Any]]:
        """Field → its type."""
        types: dict[str, TypeAdapter[Any]] = {}
        for name, field in self._model.model_fields.items():
            of: Any = field.annotation
            for more in field.metadata:
                of = Annotated[of, more]
            types[field.alias or name] = TypeAdapter(of)
        return types

    def value(self, name: str, given: Sequence[Json]) -> Json:
        """Return what came under a name as JSON of its type, or as it is where it is not of it, which validating says."""
        if all(isinstance(one, str) for one in given):
            return _typed([str(one) for one in given], self.types.get(name), is_deep=name in self.files)
        only_many = "one" not in self.files.get(name, {"one"})
        return given[0] if len(given) == 1 and not (only_many and isinstance(given[0], dict)) else list(given)

    def document(self) -> dict[str, Json]:
        """Return the JSON Schema of a form with these fields, as OpenAPI describes one."""
        whole = {"type": "object", "description": "All other fields at once, as a part of the type application/json."}
        fields = {name: self._documented(name) for name in self.types}
        return {"type": "object", "properties": {WHOLE: whole, **fields}, "additionalProperties": False}

    def _documented(self, name: str) -> Json:
        of = {"one": BYTES, "many": {"type": "array", "items": BYTES}}
        if name in self.files:
            ways = [of[shape] for shape in sorted(self.files[name], reverse=True)]
            return ways[0] if len(ways) == 1 else {"anyOf": ways}
        schema = self.types[name].json_schema()
        return {"type": "string", "contentMediaType": "application/json"} if "$defs" in schema else schema


@dataclass(frozen=True)
class Intake:
    """Reads the bodies that start runs over the API: JSON, and forms with files where the input may have some."""

    model: type[BaseModel]

    async def read(self, request: JsonRequest) -> None:
        """Put JSON in place of a form, whose files are stored as they come; raises a problem."""
        if request.media_type() != MULTIPART:
            if request.has_body():
                request.require_json(or_else=f" or {MULTIPART}")
            return
        request.require_plain()
        admitted = exchange(request)
        take = partial(self._value, _parts_of(request, admitted), admitted)
        request.stand_in(await pulling(request, admitted.backend, take))

    @cached_property
    def fields(self) -> Fields:
        """The fields of the input."""
        return Fields(self.model)

    def _value(self, parts_of: Callable[[Iterator[bytes]], Parts], admitted: Exchange, chunks: Iterator[bytes]) -> Json:
        parts = parts_of(chunks)
        whole: dict[str, Json] = {}
        given: dict[str, list[Json]] = {}
        for part in parts:
            name = part.name
            is_whole = name == WHOLE and name not in self.fields.types and part.is_json
            if is_whole or (part.is_json and name not in self.fields.files):
                value = parse(parts.text(part).encode())
                if is_whole:
                    whole = _object(value, whole)
                else:
                    given.setdefault(name, []).append(value)
            elif part.filename is None:
                if name == WHOLE:
                    self._require(name)
                text = parts.text(part)
                given.setdefault(name, []).append(parse(text.encode()) if part.is_json else text)
            else:
                self._take(name, given)
                given.setdefault(name, []).append(_stored(part, admitted))
        twice = next((name for name in given if name in whole), None)
        if twice is not None:
            raise _wrong(twice, f"it came twice: as a part, and in {WHOLE!r}")
        return {**whole, **{name: self.fields.value(name, values) for name, values in given.items()}}

    def _take(self, name: str, given: Given) -> None:
        """Refuse a file that its field does not take, before it is stored."""
        self._require(name)
        if name not in self.fields.files:
            raise _wrong(name, "a file came, which this is not")
        if name in given and "many" not in self.fields.files[name]:
            raise _wrong(name, "it came twice, and is no list")

    def _require(self, name: str) -> None:
        """Refuse a name that is none of the input."""
        if name not in self.fields.types and self.model.model_config.get("extra") != "ignore":
            raise _wrong(name, "the input has no such field" + (_MEANT if name == WHOLE else ""))


_MEANT: Final = (
    f"; the part with all other fields has to say that it is JSON: -F '{WHOLE}=@PATH;type=application/json' with curl"
)


def _object(value: Json, before: Mapping[str, Json]) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise _wrong("", f"the part {WHOLE!r} is no JSON object")
    if before:
        raise _wrong("", f"the part {WHOLE!r} came twice")
    return value


def _wrong(name: str, why: str) -> ProblemError:
    at = f"#{pointer([name] if name else [])}"
    return ProblemError(
        422, "invalid-request", "one thing is wrong with the request", errors=[{"detail": why, "pointer": at}]
    )


def _stored(part: Part, admitted: Exchange) -> Json:
    """Store the content of a part, and return the JSON of its file."""
    called = clean_name(part.filename or "")
    file = admitted.backend.service.shelf.put(
        admitted.caller.tenant,
        part.data,
        name=called,
        media_type=part.kind(called),
        keep=admitted.backend.settings.upload_keep,
    )
    return file.to_json()


def _parts_of(request: JsonRequest, admitted: Exchange) -> Callable[[Iterator[bytes]], Parts]:
    """Return what reads the parts of a request's body."""
    boundary, charset, limit = request.boundary(), request.charset(), admitted.backend.settings.max_body
    return lambda chunks: Parts(chunks, boundary, charset, limit)


@dataclass(frozen=True)
class Reader:
    """Reads the bodies of one webhook. `payload` is the form field in which the vendor sends JSON, if it does."""

    model: type[BaseModel]
    how: str = ""
    payload: str = ""

    async def read(self, request: JsonRequest) -> None:
        """Put JSON in place of what came, so that everything after sees a JSON body; raises a problem for what is not read."""
        if self.how == TEXT:
            request.require_plain()
            request.stand_in({"body": _text(await request.body())})
            return
        kind = request.media_type()
        if kind == FORM:
            request.require_plain()
            request.stand_in(self._value(_form(await request.body())))
        elif kind == MULTIPART:
            request.require_plain()
            body = await request.body()
            admitted = exchange(request)
            take = partial(self._read_parts, _parts_of(request, admitted), admitted)
            fields = await anyio.to_thread.run_sync(take, iter((body,)))
            request.state.stored = frozenset(value["sha256"] for _, value in fields if isinstance(value, dict))
            request.stand_in(self._value(fields))
        elif request.has_body():
            request.require_json(or_else=f", {FORM} or {MULTIPART}")

    @cached_property
    def fields(self) -> Fields:
        """The fields of the input."""
        return Fields(self.model)

    def _read_parts(
        self, parts_of: Callable[[Iterator[bytes]], Parts], admitted: Exchange, chunks: Iterator[bytes]
    ) -> list[tuple[str, Json]]:
        """Read the parts of a form whose signature was verified; a file is stored where the input has one of this name."""
        parts, fields = parts_of(chunks), list[tuple[str, Json]]()
        for part in parts:
            if part.filename is None:
                fields.append((part.name, parts.text(part)))
            elif part.name in self.fields.files:
                fields.append((part.name, _stored(part, admitted)))
            else:
                raise ProblemError(
                    415, "files-not-taken", f"the field {part.name[:60]!r} is a file: only texts are taken"
                )
        return fields

    def _value(self, fields: Sequence[tuple[str, Json]]) -> Json:
        given: dict[str, list[Json]] = {}
        for name, value in fields:
            given.setdefault(name, []).append(value)
        if self.payload and isinstance(sent := given.get(self.payload, (None,))[0], str):
            return parse(sent.encode())
        return {name: self.fields.value(name, values) for name, values in given.items()}


def _typed(texts: Sequence[str], to: TypeAdapter[Any] | None, *, is_deep: bool = False) -> Json:
    """Return the first reading of a field's texts that is of its type; as they are where none is, which validating says."""
    if to is not None:
        for candidate in _readings(texts, is_deep=is_deep):
            try:
                to.validate_json(json.dumps(candidate), strict=True)
            except ValidationError:
                continue
            return candidate
    return texts[0] if len(texts) == 1 else list(texts)


def _readings(texts: Sequence[str], *, is_deep: bool) -> Iterator[Json]:
    """Yield what texts may mean: a text, a number, true, false or null (`is_deep`: any JSON); then a list of such."""
    values = [_read(text, is_deep=is_deep) for text in texts]
    if len(texts) == 1:
        yield from (texts[0], values[0])
    yield list(texts)
    yield values


def _read(text: str, *, is_deep: bool) -> Json:
    try:
        value = read_json(text)
    except JsonTextError:
        return text
    return text if isinstance(value, dict | list) and not is_deep else value


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise ProblemError(400, "malformed-text", "the body is not UTF-8") from error


def _form(body: bytes) -> list[tuple[str, str]]:
    if body.count(b"&") >= MAX_FIELDS:
        raise ProblemError(400, "too-many-fields", f"the form has more than {MAX_FIELDS} fields")
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise ProblemError(400, "malformed-form", "the body is not a form in UTF-8") from error
