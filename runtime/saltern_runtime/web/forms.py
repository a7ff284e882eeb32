"""Bodies of webhooks that are not JSON: forms, multipart fields and texts, made into the JSON that the input declares."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from saltern_runtime.jsontext import JsonTextError, read_json
from saltern_runtime.spec import Json
from saltern_runtime.web.problems import ProblemError
from saltern_runtime.web.requests import JsonRequest, parse

TEXT: Final = "text"
"""The word for a webhook that takes any body as a text."""
FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
MAX_FIELDS: Final = 1000
"""Fields of a form, at most."""


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
            request.stand_in(self._value(await _multipart(request)))
        elif request.has_body():
            request.require_json(or_else=f", {FORM} or {MULTIPART}")

    def _value(self, fields: Sequence[tuple[str, str]]) -> Json:
        given: dict[str, list[str]] = {}
        for name, text in fields:
            given.setdefault(name, []).append(text)
        if self.payload and self.payload in given:
            return parse(given[self.payload][0].encode())
        return {name: _typed(texts, self._types.get(name)) for name, texts in given.items()}

    @cached_property
    def _types(self) -> dict[str, TypeAdapter[Any]]:
        types: dict[str, TypeAdapter[Any]] = {}
        for name, field in self.model.model_fields.items():
            of: Any = field.annotation
            for more in field.metadata:
                of = Annotated[of, more]
            types[field.alias or name] = TypeAdapter(of)
        return types


def _typed(texts: Sequence[str], to: TypeAdapter[Any] | None) -> Json:
    """Return the first reading of a field's texts that is of its type; as they are where none is, which validating says."""
    if to is not None:
        for candidate in _readings(texts):
            try:
                to.validate_json(json.dumps(candidate), strict=True)
            except ValidationError:
                continue
            return candidate
    return texts[0] if len(texts) == 1 else list(texts)


def _readings(texts: Sequence[str]) -> Iterator[Json]:
    """Yield what texts may mean: a text, a number, true, false or null; then a list of such."""
    scalars = [_scalar(text) for text in texts]
    if len(texts) == 1:
        yield from (texts[0], scalars[0])
    yield list(texts)
    yield scalars


def _scalar(text: str) -> Json:
    try:
        value = read_json(text)
    except JsonTextError:
        return text
    return text if isinstance(value, dict | list) else value


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise ProblemError(400, "malformed-text", "the body is not UTF-8") from error


def _form(body: bytes) -> list[tuple[str, str]]:
    if body.count(b"&") >= MAX_FIELDS:
        raise _too_many()
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise ProblemError(400, "malformed-form", "the body is not a form in UTF-8") from error


async def _multipart(request: JsonRequest) -> list[tuple[str, str]]:
    body = await request.body()
    parser = MultiPartParser(
        request.headers, request.stream(), max_files=1, max_fields=MAX_FIELDS, max_part_size=len(body)
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        if error.message.startswith("Too many fields"):
            raise _too_many() from error
        if error.message.startswith("Too many files"):
            raise _file("") from error
        raise ProblemError(400, "malformed-form", "the body is not multipart form fields") from error
    fields: list[tuple[str, str]] = []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            await form.close()
            raise _file(name)
        fields.append((name, value))
    if not fields or _is_broken(body, request.charset()):
        raise ProblemError(400, "malformed-form", "the body is not multipart form fields in UTF-8")
    return fields


def _is_broken(body: bytes, charset: str) -> bool:
    """Tell whether a text in it is not what it is said to be; the parser would take it for Latin-1."""
    try:
        body.decode(charset)
    except UnicodeDecodeError:
        return True
    return False


def _too_many() -> ProblemError:
    return ProblemError(400, "too-many-fields", f"the form has more than {MAX_FIELDS} fields")


def _file(name: str) -> ProblemError:
    which = f"the field {name[:60]!r} is a file" if name else "there are files in the form"
    return ProblemError(415, "files-not-taken", f"{which}: only texts are taken")
