"""A transport of httpx that connects to public addresses alone.

A name is looked up once, what it leads to is judged, and what was judged is connected to: a name that leads elsewhere a moment
later gains nothing. Connections are pooled by the name, so that TLS checks the certificate of the host that was asked.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import httpcore
import httpx

from saltern_runtime.connectors.addresses import why_refused
from saltern_runtime.errors import PermanentError

if TYPE_CHECKING:
    from saltern_runtime.spec.networks import NetworkList


class GuardedTransport(httpx.HTTPTransport):
    """Refuses, with a PermanentError, hosts that lead to no public address nor to one that is allowed."""

    def __init__(self, allowed: NetworkList) -> None:
        # Not httpx's own __init__: there is no unguarded pool. Where httpx keeps it under another name, nothing can be sent.
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=5.0,
            network_backend=_Backend(allowed),
        )


class _Backend(httpcore.SyncBackend):
    def __init__(self, allowed: NetworkList) -> None:
        self._allowed = allowed

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        found = self._checked(host, port)
        end = time.monotonic() + (timeout or 0.0)
        while True:
            address, *found = found
            share = None if timeout is None else max(0.001, (end - time.monotonic()) / (len(found) + 1))
            try:
                return super().connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if not found:
                    raise

    def _checked(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host that may be reached, at least one."""
        try:
            found = [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        if not found:
            raise httpcore.ConnectError("the name leads to no address")
        reasons = {address: why_refused(address, self._allowed) for address in found}
        open_ones = [address for address, why in reasons.items() if why is None]
        if open_ones:
            return open_ones
        raise PermanentError(
            f"{host} leads to {next(iter(reasons.values()))}: http.request without a connection reaches public addresses alone, "
            "and networks that SALTERN_PRIVATE_NETWORKS names",
            code="private-address",
        )
