"""Answers from outside: held against what their node takes, by whatever version of the service they come to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from saltern_runtime.errors import AnswerError, pointer
from saltern_runtime.masking import Hidden
from saltern_runtime.spec import Json
from saltern_runtime.spec.awaits import COMMENT
from saltern_runtime.spec.schema import places_in
from saltern_runtime.spec.types import Places
from saltern_runtime.store.views import Awaited

_SAID: Final = {"decision", "by", "comment", "fields"}
"""What a person may say of a decision."""
_FORMATS: Final[Mapping[str, TypeAdapter[Any]]] = {
    "date-time": TypeAdapter(datetime),
    "duration": TypeAdapter(timedelta),
}


def decided(
    decision: str, schema: Mapping[str, Json], *, by: str | None = None, comment: str | None = None, fields: Json = None
) -> dict[str, Json]:
    """Return a decision that is made now as what is kept of it."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    made: dict[str, Json] = {"decision": decision, "by": by, "at": at, "comment": comment}
    return made | ({"fields": fields} if "fields" in schema.get("properties", {}) else {})


def taken(awaited: Awaited, body: Json, by: str | None = None) -> Json:
    """Return what is kept of an answer; raises AnswerError for one that the node does not take.

    Of a decision the body says `{"decision": …, "comment"?, "by"?, "fields"?}`; `by`, where it is known, stands above what the body says.
    """
    answer = _decision(awaited, body, by) if awaited.choices else body
    hidden = hidden_of(awaited)
    findings = [_finding(error, (*hidden.secrets, *hidden.personal)) for error in _errors(awaited, answer)]
    if findings:
        raise AnswerError(findings[:100])
    return answer


def hidden_of(awaited: Awaited) -> Hidden:
    """Return where an answer holds what is not shown."""
    return Hidden(places_in(awaited.schema, "secret"), places_in(awaited.schema, "personal"))


def _finding(error: Any, hidden: Places) -> tuple[str, str]:
    """Say where an answer is wrong, and how; where something hidden is, around it and inside of it, without a word of what was sent."""
    path = tuple(error.absolute_path)
    met = [place for place in hidden if all(key in (None, part) for key, part in zip(place, path, strict=False))]
    at = pointer(path[: min(map(len, met), default=len(path))])
    if error.validator == "required" or not met:
        return at, str(error.message)
    is_type = error.validator == "type"
    return at, f"it is not of type {error.validator_value!r}" if is_type else "it is not what is taken here"


def _decision(awaited: Awaited, body: Json, by: str | None) -> Json:
    if not isinstance(body, dict):
        raise AnswerError([("", "a decision is an object")])
    if body.get("decision") not in awaited.choices:
        raise AnswerError([("/decision", f"one of: {', '.join(awaited.choices)}")])
    unknown = sorted(body.keys() - _SAID)
    if unknown:
        raise AnswerError([(pointer([name]), "a decision says nothing of that name") for name in unknown])
    for name in ("by", "comment"):
        text = body.get(name)
        if text is not None and (not isinstance(text, str) or len(text) > COMMENT):
            raise AnswerError([(f"/{name}", f"a text of at most {COMMENT} characters")])
    if body.get("fields") is not None and "fields" not in awaited.schema.get("properties", {}):
        raise AnswerError([("/fields", "nothing is to be filled in")])
    return decided(
        body["decision"],
        awaited.schema,
        by=by or body.get("by"),
        comment=body.get("comment"),
        fields=body.get("fields"),
    )


def _errors(awaited: Awaited, answer: Json) -> list[Any]:
    from jsonschema import Draft202012Validator, FormatChecker  # noqa: PLC0415 - few runs are answered from outside
    from jsonschema.exceptions import relevance  # noqa: PLC0415 - it comes with the validator above

    checker = FormatChecker(formats=())
    for name, adapter in _FORMATS.items():
        checker.checks(name, raises=ValidationError)(_valid(adapter))
    found = []
    for error in Draft202012Validator(awaited.schema, format_checker=checker).iter_errors(answer):
        while error.context:  # of several types, the one that it is nearest to
            error = min(error.context, key=relevance)  # noqa: PLW2901 - the way down
        found.append(error)
    return sorted(found, key=lambda error: [str(part) for part in error.absolute_path])


def _valid(adapter: TypeAdapter[Any]) -> Any:
    def check(value: object) -> bool:
        return not isinstance(value, str) or adapter.validate_python(value) is not None

    return check
