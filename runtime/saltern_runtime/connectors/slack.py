"""`slack`: a Slack workspace, through its Web API."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from saltern_runtime.connectors.base import PerProcess, connection_of, remaining, secret, setting
from saltern_runtime.connectors.http import host_and_port
from saltern_runtime.spec import STRING, ConnectorSpec, Json, Param, Policy, Retry

if TYPE_CHECKING:
    from ssl import SSLContext

    from slack_sdk import WebClient

    from saltern_runtime.graph import Context

BASE_URL: Final = "https://slack.com/api/"


def _egress(settings: Mapping[str, Json]) -> tuple[str, ...]:
    return host_and_port(settings.get("base_url") or BASE_URL)


CONNECTOR: Final = ConnectorSpec(
    name="slack",
    summary="A Slack workspace.",
    settings=(
        Param("token", STRING, secret=True, doc="A bot token (`xoxb-…`)."),
        Param("base_url", STRING, required=False, default=BASE_URL, static=True, doc="Another address of the Web API."),
    ),
    policy=Policy(timeout=15.0, retry=Retry(attempts=5, base=1.0, cap=60.0)),
    egress=_egress,
    env={"base_url": "SALTERN_SLACK_BASE_URL"},
    requires=("slack",),
)

_TLS: Final[PerProcess[SSLContext]] = PerProcess()


@contextmanager
def calling(ctx: Context, method: str) -> Iterator[WebClient]:
    """Give a client for one call of the node, and trace the call; the engine retries, so it does not. Its timeout is in whole seconds."""
    from ssl import create_default_context  # noqa: PLC0415 - reading the spec needs no sockets

    from slack_sdk import WebClient  # noqa: PLC0415 - reading the spec needs no SDK

    from saltern_runtime.observe import tracing  # noqa: PLC0415 - the compiler reads the connector, and sends nothing that is traced

    connection = connection_of(ctx, CONNECTOR)
    base = str(setting(connection, CONNECTOR, "base_url"))
    about = {"http.request.method": "POST", "server.address": urlsplit(base).hostname or ""}
    with tracing.calling(f"POST {method}", about) as traced:
        yield WebClient(
            token=secret(connection, "token"),
            base_url=base,
            timeout=math.ceil(remaining(ctx)),
            ssl=_TLS.get((), create_default_context),
            retry_handlers=[],
            headers=traced.headers(),
        )
