"""A double of a model endpoint: POST /v1/chat/completions as OpenAI documents it, without streaming.

No model stands behind it: an answer is made from the words of what the user says, always the same for the same words, so
that a ticket about an invoice is "billing"; what stands behind `name:` on a line is the value of a field `name`. Keys that
begin with `sk-bad` are refused. `python -m examples.doubles.openai`.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from examples.doubles.server import Answer, Double, Received, bearer, main

_COUNT = itertools.count(1)
_CLUES: Mapping[str, frozenset[str]] = {
    "billing": frozenset(
        [
            "bill",
            "billed",
            "billing",
            "charge",
            "charged",
            "invoice",
            "invoices",
            "paid",
            "pay",
            "payment",
            "price",
            "refund",
            "subscription",
        ]
    ),
    "bug": frozenset(
        [
            "500",
            "broken",
            "bug",
            "crash",
            "crashed",
            "crashes",
            "error",
            "errors",
            "exception",
            "fail",
            "failed",
            "fails",
            "freezes",
            "stack",
        ]
    ),
    "sales": frozenset(["buy", "demo", "offer", "plan", "plans", "pricing", "quote", "trial", "upgrade"]),
    "positive": frozenset(["good", "great", "happy", "love", "loves", "perfect", "thanks", "thank", "wonderful"]),
    "negative": frozenset(["angry", "awful", "bad", "broken", "disappointed", "hate", "terrible", "worst"]),
}
_URGENT = frozenset(
    [
        "asap",
        "blocked",
        "critical",
        "down",
        "immediately",
        "now",
        "outage",
        "production",
        "today",
        "twice",
        "urgent",
        "urgently",
    ]
)
_READS: Mapping[str, Callable[[str], Any]] = {"string": str, "integer": int, "number": float}
MAX_URGENCY = 5


def openai(port: int = 0) -> Double:
    """Make a double of a model endpoint; its URL is the `base_url` of a client."""
    return Double(answer, port=port, base_path="/v1")


def answer(request: Received) -> Answer:
    """Answer one request."""
    key = bearer(request)
    if not key or key.startswith("sk-bad"):
        return _error(401, "Incorrect API key provided.", "invalid_api_key")
    if request.path != "/v1/chat/completions":
        return _error(404, f"Unknown request URL: {request.method} {request.path}", "unknown_url")
    if request.method != "POST":
        return _error(405, "Not allowed.", "method_not_allowed")
    problem = _problem(request.body)
    if problem:
        return _error(400, problem, None)
    return _completion(request.body)


def _problem(body: Any) -> str:
    if not isinstance(body, dict) or not isinstance(body.get("model"), str):
        return "you must provide a model parameter"
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return "Invalid 'messages': empty array."
    if not all(isinstance(each, dict) and isinstance(each.get("content"), str) for each in messages):
        return "Invalid 'messages': a role and a text each."
    if body.get("stream"):
        return "This double does not stream."
    temperature = body.get("temperature", 1)
    if not isinstance(temperature, int | float) or not 0 <= temperature <= 2:
        return "Invalid 'temperature': between 0 and 2."
    asked = body.get("response_format", {"type": "text"})
    if asked.get("type") == "json_schema":
        schema = asked.get("json_schema", {})
        if schema.get("strict"):
            return _loose(schema.get("schema"), ())
    return ""


def _loose(schema: Any, path: tuple[str, ...]) -> str:
    """Say what strict mode refuses about a schema; empty where nothing."""
    where = f"Invalid schema for response_format: In context={path}, "
    if not isinstance(schema, dict):
        return where + "schema must be an object."
    if not path and schema.get("type") != "object":
        return where + "schema must have type 'object'."
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            return where + "'additionalProperties' is required to be supplied and to be false."
        if sorted(schema.get("required", [])) != sorted(schema.get("properties", {})):
            return where + "'required' is required to be supplied and to be an array including every key in properties."
    parts = [
        *schema.get("properties", {}).items(),
        *schema.get("$defs", {}).items(),
        *((str(i), s) for i, s in enumerate(schema.get("anyOf", []))),
    ]
    if "items" in schema:
        parts.append(("items", schema["items"]))
    return next((found for name, part in parts if (found := _loose(part, (*path, name)))), "")


def _completion(body: dict[str, Any]) -> Answer:
    said = [each["content"] for each in body["messages"] if each.get("role") == "user"]
    text = "\n".join(said) or body["messages"][-1]["content"]
    asked = body.get("response_format", {})
    if asked.get("type") == "json_schema":
        schema = asked["json_schema"]["schema"]
        content = json.dumps(_value(schema, schema, text))
    else:
        content = _first_words(text)
    count = next(_COUNT)
    tokens = {"prompt_tokens": len(text) // 4, "completion_tokens": len(content) // 4}
    message = {"role": "assistant", "content": content, "refusal": None}
    return Answer(
        {
            "id": f"chatcmpl-double-{count}",
            "object": "chat.completion",
            "created": 1_700_000_000 + count,
            "model": body["model"],
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
            "usage": {**tokens, "total_tokens": sum(tokens.values())},
        },
        headers={"x-request-id": f"req_double_{count}"},
    )


def _value(schema: Any, root: Any, text: str) -> Any:
    """Make a value of a schema out of a text."""
    if "$ref" in schema:
        return _value(root["$defs"][schema["$ref"].rpartition("/")[2]], root, text)
    if "anyOf" in schema:
        return _value(next((each for each in schema["anyOf"] if each.get("type") != "null"), {}), root, text)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return _choose(schema["enum"], text)
    match schema.get("type"):
        case "object":
            return {key: _field(key, part, root, text) for key, part in schema.get("properties", {}).items()}
        case "array":
            return [_value(schema.get("items", {}), root, text)]
        case kind:
            return _scalar(str(kind), text)


def _field(name: str, schema: Any, root: Any, text: str) -> Any:
    """Make the value of a field: of the line that is labelled with its name, where there is one, else of the whole text."""
    said = re.search(rf"^\s*{re.escape(name)}\s*:\s*(\S.*?)\s*$", text, re.IGNORECASE | re.MULTILINE)
    kind = schema.get("type")
    if said is None or kind not in _READS:
        return _value(schema, root, text)
    try:
        return _READS[kind](said[1])
    except ValueError:
        return _value(schema, root, text)


def _scalar(kind: str, text: str) -> Any:
    words = _words(text)
    match kind:
        case "integer":
            return min(MAX_URGENCY, 1 + len(words & _URGENT))
        case "number":
            return min(1.0, 0.5 + len(words & _URGENT) / 10)
        case "boolean":
            return bool(words & (_URGENT | _CLUES["positive"]))
        case "null":
            return None
    return _first_words(text)


def _choose(options: list[Any], text: str) -> Any:
    """Choose the option whose clues are met most often; `other`, or else the last one, where none is."""
    words = _words(text)
    scores = [len(words & (_CLUES.get(str(option).lower(), frozenset()) | {str(option).lower()})) for option in options]
    if max(scores) == 0:
        return "other" if "other" in options else options[-1]
    return options[scores.index(max(scores))]


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z0-9]+", text.lower()))


def _first_words(text: str, count: int = 20) -> str:
    words = text.split()
    return " ".join(words[:count]) + (" …" if len(words) > count else "")


def _error(status: int, message: str, code: str | None) -> Answer:
    kind = "invalid_request_error"
    return Answer({"error": {"message": message, "type": kind, "param": None, "code": code}}, status)


def completion(content: str | None, *, finish_reason: str = "stop", refusal: str | None = None) -> dict[str, object]:
    """Return the fault of an answer with these words in it."""
    message = {"role": "assistant", "content": content, "refusal": refusal}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    return {
        "json": {"id": "chatcmpl-x", "object": "chat.completion", "created": 1, "model": "double", "choices": [choice]}
    }


def rate_limited(seconds: int) -> dict[str, object]:
    """Return the fault of a rate limit."""
    error = {"message": "Rate limit reached.", "type": "requests", "param": None, "code": "rate_limit_exceeded"}
    return {"status": 429, "headers": {"Retry-After": str(seconds)}, "json": {"error": error}}


if __name__ == "__main__":
    main(openai, "A double of a model endpoint that speaks OpenAI's API.")
