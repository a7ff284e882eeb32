"""`llm.chat`: ask a language model, for text or for a value of a type.

Speaks `/chat/completions` through the official client, to OpenAI or any endpoint with the same API. A value of a type is taken
out of the answer as it comes; where it does not fit, the model is told why and asked again, and at last it is
`invalid-response` (transient). A refusal and an answer cut short would be the same the next time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from saltern_runtime.connectors import openai as connector
from saltern_runtime.connectors.base import idempotency_key, remaining, retry_after
from saltern_runtime.errors import NodeError, PermanentError, TransientError
from saltern_runtime.spec import (
    ANY,
    DOUBLE,
    INT,
    STRING,
    AsksModel,
    Bound,
    Effect,
    ListType,
    MapType,
    NodeType,
    ObjectType,
    Param,
    Problem,
    Type,
    UnionType,
    obj,
)

if TYPE_CHECKING:
    import openai
    from pydantic import BaseModel

    from saltern_runtime.graph import Context
    from saltern_runtime.nodes.llm.results import ChatText

M = TypeVar("M", bound="BaseModel")

REPAIR: Final = 2
_MOST_REPAIRS: Final = 10
_TEXT: Final = obj({"text": STRING})
_MAY_PASS: Final = frozenset({408, 409, 425, 429})
_CODES: Final = {
    400: "bad-request",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    422: "bad-request",
    429: "rate-limited",
}
_NOT_SENT: Final = frozenset({"ConnectTimeout", "ConnectError", "PoolTimeout"})
"""Causes, by name: the client stands on httpx or on its successor, depending on its version."""


def _result(bound: Bound) -> Type:
    return bound.types.get("response", _TEXT)


def _check(bound: Bound) -> Iterator[Problem]:
    temperature = bound.literals.get("temperature")
    if isinstance(temperature, int | float) and not isinstance(temperature, bool) and not 0 <= temperature <= 2:
        yield Problem("temperature", f"the temperature {temperature} is not between 0 and 2")
    tokens = bound.literals.get("max_tokens")
    if isinstance(tokens, int) and not isinstance(tokens, bool) and tokens < 1:
        yield Problem("max_tokens", f"`max_tokens` is {tokens}; an answer takes at least 1")
    repair = bound.literals.get("repair")
    if isinstance(repair, int) and not isinstance(repair, bool) and not 0 <= repair <= _MOST_REPAIRS:
        yield Problem("repair", f"`repair` is {repair}, not between 0 and {_MOST_REPAIRS}")
    for name in ("prompt", "model"):
        value = bound.literals.get(name)
        if isinstance(value, str) and not value.strip():
            yield Problem(name, f"`{name}` is empty")
    response = bound.types.get("response")
    if response is not None:
        yield from _check_response(response)


def _check_response(response: Type) -> Iterator[Problem]:
    if not isinstance(response, ObjectType):
        yield Problem("response", "the response type is no object", ("Models answer with objects: `type { … }`.",))
        return
    if not response.fields:
        yield Problem("response", "the response type has no fields")
    for path, what in _loose("", response):
        place = f"`{path}`" if path else "the response"
        yield Problem("response", f"{place} has {what}", ("A model can be held only to types that are known in full.",))


def _loose(path: str, of: Type) -> Iterator[tuple[str, str]]:
    """Yield what strict structured outputs cannot express."""
    match of:
        case ObjectType(fields=fields):
            if of.open:
                yield path, "an open object type (`...`)"
            for field in fields:
                yield from _loose(f"{path}.{field.name}" if path else field.name, field.type)
        case MapType():
            yield path, "a map type, whose keys are not known"
        case ListType(item=item):
            yield from _loose(f"{path}[]", item)
        case UnionType(members=members):
            for member in members:
                yield from _loose(path, member)
        case _ if of == ANY:
            yield path, "the type any"


_AGAIN: Final = Param(
    "repair",
    INT,
    required=False,
    default=REPAIR,
    doc="How often, in one attempt, the model is told what is wrong with an answer that does not fit.",
)
NODE: Final = NodeType(
    name="llm.chat",
    summary="Asks a language model.",
    params=(
        Param("prompt", STRING, shown=True, doc="What the user says."),
        Param("system", STRING, required=False, shown=True, doc="What the model is told about its task."),
        Param("model", STRING, required=False, doc="Which model; the connection's by default."),
        Param("temperature", DOUBLE, required=False, doc="0 (steady) to 2."),
        Param("max_tokens", INT, required=False, doc="Length of the answer, at most."),
        _AGAIN,
        Param("response", ANY, required=False, is_type=True, doc="The type of the answer; text without it."),
    ),
    result=_result,
    result_model="saltern_runtime.nodes.llm:ChatText",
    effect=Effect.IDEMPOTENT,
    connector="openai",
    model=AsksModel(reads=("system", "prompt"), most="max_tokens", answer="response", again=_AGAIN),
    call="saltern_runtime.nodes.llm:chat",
    queue="model",
    requires=("openai",),
    check=_check,
)


@overload
def chat(
    ctx: Context,
    *,
    prompt: str,
    system: str | None = None,
    model: str | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    repair: int = REPAIR,
    response: type[M],
) -> M: ...


@overload
def chat(
    ctx: Context,
    *,
    prompt: str,
    system: str | None = None,
    model: str | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    repair: int = REPAIR,
    response: None = None,
) -> ChatText: ...


def chat(
    ctx: Context,
    *,
    prompt: str,
    system: str | None = None,
    model: str | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    repair: int = REPAIR,
    response: type[M] | None = None,
) -> M | ChatText:
    """Ask, and say up to `repair` times what is wrong with the answer; raises TransientError or PermanentError."""
    from saltern_runtime.nodes.llm import strict  # noqa: PLC0415 - reading the spec needs nothing that reads answers
    from saltern_runtime.nodes.llm.results import ChatText  # noqa: PLC0415 - nor pydantic

    client = connector.client(ctx)
    messages = [{"role": "system", "content": system}] if system is not None else []
    asked: dict[str, Any] = {
        "model": model or connector.default_model(ctx),
        "messages": [*messages, {"role": "user", "content": prompt}],
    }
    if temperature is not None:
        asked["temperature"] = temperature
    if max_tokens is not None:
        # OpenAI's newer models refuse the old name, most other endpoints know no other
        asked["max_completion_tokens" if connector.is_openai(ctx) else "max_tokens"] = max_tokens
    if response is not None:
        asked["response_format"] = strict.response_format(response)
    while True:
        choice = _ask(ctx, client, asked)
        text = _text(choice)
        if response is None:
            return ChatText(text=text)
        if getattr(choice, "finish_reason", None) == "length":
            raise PermanentError(
                "the model's answer was cut short; `max_tokens` is too small for the response type", code="truncated"
            )
        try:
            return strict.read(text, response)
        except ValueError as error:
            # the values stay out of messages: they may be personal
            if repair <= 0:
                message = f"the model's answer is no {response.__name__}: {error}"
                raise TransientError(message, code="invalid-response") from None
            told = f"Your answer does not fit: {error}. Answer again with the JSON object alone."
        asked["messages"] += [{"role": "assistant", "content": text}, {"role": "user", "content": told}]
        repair -= 1


def _ask(ctx: Context, client: openai.OpenAI, asked: dict[str, Any]) -> Any:
    import openai  # noqa: PLC0415 - reading the spec needs no SDK

    from saltern_runtime.observe import tracing  # noqa: PLC0415 - a check loads this module for its spec, and traces no call

    about = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": asked["model"]}
    try:
        with tracing.calling(f"chat {asked['model']}", {**about, "server.address": client.base_url.host}) as traced:
            headers = {**traced.headers(), "Idempotency-Key": idempotency_key(ctx)}
            answer: Any = client.chat.completions.create(**asked, extra_headers=headers, timeout=remaining(ctx))
            traced.note(dict(_used(answer)))
    except openai.APIStatusError as error:
        raise _translate(error) from error
    except openai.APIConnectionError as error:
        sent = type(error.__cause__).__name__ not in _NOT_SENT
        late = isinstance(error, openai.APITimeoutError)
        message = "the model did not answer in time" if late else "the model's endpoint cannot be reached"
        code = "timed-out" if late else "connection-lost" if sent else "unreachable"
        raise TransientError(message, code=code, ambiguous=sent) from error
    except (openai.OpenAIError, ValueError) as error:
        raise TransientError(
            f"the model's answer cannot be read ({type(error).__name__})", code="invalid-response"
        ) from error
    choices = getattr(answer, "choices", None)
    if not choices:
        raise TransientError("the model's answer holds no choice", code="invalid-response")
    return choices[0]


def _used(answer: Any) -> Iterator[tuple[str, str | int]]:
    """Yield what the conventions for generative AI call what an answer says of itself."""
    usage = getattr(answer, "usage", None)
    for name, value in (
        ("gen_ai.response.model", getattr(answer, "model", None)),
        ("gen_ai.usage.input_tokens", getattr(usage, "prompt_tokens", None)),
        ("gen_ai.usage.output_tokens", getattr(usage, "completion_tokens", None)),
    ):
        if isinstance(value, str | int):
            yield name, value


def _text(choice: Any) -> str:
    message = getattr(choice, "message", None)
    refusal = getattr(message, "refusal", None)
    if refusal:
        raise PermanentError(f"the model refused: {refusal}", code="refused")
    if getattr(choice, "finish_reason", None) == "content_filter":
        raise PermanentError("the endpoint's content filter stopped the answer", code="refused")
    text = getattr(message, "content", None)
    if not isinstance(text, str):
        raise TransientError("the model's answer holds no text", code="invalid-response")
    return text


def _translate(error: openai.APIStatusError) -> NodeError:
    status = error.status_code
    if error.code == "insufficient_quota":
        return PermanentError("the model's account has no quota left", code="quota-exhausted", status=status)
    if status in _MAY_PASS or status >= 500:
        wait = retry_after(error.response.headers.get("retry-after"))
        code = _CODES.get(status, "server-error")
        return TransientError(f"the model's endpoint answered {status}", code=code, status=status, retry_after=wait)
    return PermanentError(
        f"the model's endpoint refused: {error.message}", code=_CODES.get(status, "refused"), status=status
    )
