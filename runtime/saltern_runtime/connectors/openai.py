"""`openai`: a model endpoint that speaks OpenAI's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from saltern_runtime.connectors.base import PerProcess, connection_of, secret, setting
from saltern_runtime.connectors.http import host_and_port
from saltern_runtime.spec import STRING, ConnectorSpec, Json, Param, Policy, Retry

if TYPE_CHECKING:
    import openai

    from saltern_runtime.graph import Context

BASE_URL: Final = "https://api.openai.com/v1"


def _egress(settings: Mapping[str, Json]) -> tuple[str, ...]:
    return host_and_port(settings.get("base_url") or BASE_URL)


CONNECTOR: Final = ConnectorSpec(
    name="openai",
    summary="A model endpoint that speaks OpenAI's API.",
    settings=(
        Param("key", STRING, secret=True, doc="The API key."),
        Param(
            "base_url", STRING, required=False, default=BASE_URL, static=True, doc="Another endpoint with the same API."
        ),
        Param(
            "model",
            STRING,
            required=False,
            default="gpt-5.4-mini",
            doc="What nodes use that name no model of their own.",
        ),
    ),
    policy=Policy(timeout=60.0, retry=Retry(attempts=4, base=2.0, cap=60.0)),
    egress=_egress,
    env={"base_url": "SALTERN_OPENAI_BASE_URL"},
)

_CLIENTS: Final[PerProcess[openai.OpenAI]] = PerProcess()


def client(ctx: Context) -> openai.OpenAI:
    """Return this process's client for the node's connection; the engine retries, so it does not."""
    connection = connection_of(ctx, CONNECTOR)
    key = secret(connection, "key")
    base_url = str(setting(connection, CONNECTOR, "base_url"))

    def make() -> openai.OpenAI:
        import openai  # noqa: PLC0415 - reading the spec needs no SDK

        return openai.OpenAI(api_key=key, base_url=base_url, max_retries=0)

    return _CLIENTS.get((base_url, key), make)


def default_model(ctx: Context) -> str:
    """Return the model of nodes that name none."""
    return str(setting(connection_of(ctx, CONNECTOR), CONNECTOR, "model"))


def is_openai(ctx: Context) -> bool:
    """Whether the endpoint is OpenAI's own, which knows parameters that compatible ones may not."""
    return bool(setting(connection_of(ctx, CONNECTOR), CONNECTOR, "base_url") == BASE_URL)
