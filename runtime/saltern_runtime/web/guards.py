"""Who may call a route. A guard runs before a byte of the body is parsed; no route exists without one."""

# Annotations stay evaluated here: FastAPI does not resolve textual ones of callable objects.

import os
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Final

import anyio
from fastapi.openapi.models import APIKey, APIKeyIn, HTTPBase, HTTPBearer
from fastapi.openapi.models import SecurityBase as SecurityModel
from fastapi.security.base import SecurityBase
from starlette.requests import Request

from saltern_runtime.engine import links
from saltern_runtime.engine.links import Link
from saltern_runtime.graph import Graph
from saltern_runtime.web import tokens
from saltern_runtime.web.backend import Backend
from saltern_runtime.web.problems import LOG, ProblemError
from saltern_runtime.web.requests import JsonRequest
from saltern_runtime.web.signatures import Basic, Scheme, SignatureError, Token
from saltern_runtime.web.signatures.base import is_id
from saltern_runtime.web.signatures.standard import Standard

WEBHOOK_TENANT: Final = "default"
"""The tenant that owns the runs of signed webhooks."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a tenant, and what the vendor calls the delivery where one calls; or whoever holds a link."""

    tenant: str
    delivery: str | None = None
    greeting: dict[str, Any] | None = None
    """Of a delivery that only asks whether anyone listens: the answer."""
    link: Link | None = None
    """Of a signed link: where it leads."""
    by: str = ""
    """What the audit calls whoever holds a token."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a route knows of its request."""

    backend: Backend
    caller: Caller


def exchange(request: Request) -> Exchange:
    """Return what the route's guard found."""
    admitted: Exchange = request.state.saltern
    return admitted


class Guard(ABC):
    """Admits a request or ends it with a problem."""

    reads: str | None = None
    """Of a webhook: how its bodies are read, where that is not by their content type; None for what takes JSON alone."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    @abstractmethod
    async def admit(self, request: JsonRequest, backend: Backend) -> Caller:
        """Return who calls; raises ProblemError."""

    async def __call__(self, request: Request) -> Caller:
        """Return who was admitted: the guard as a dependency, by which OpenAPI learns of it."""
        return exchange(request).caller


class Bearer(Guard, SecurityBase):
    """A bearer token, which names the tenant."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph)
        self.model = HTTPBearer(description="A token whose hash stands in SALTERN_API_TOKENS.")
        self.scheme_name = "token"

    async def admit(self, request: JsonRequest, backend: Backend) -> Caller:
        """Find the tenant of the token."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise ProblemError(401, "token-missing", "a bearer token is needed", headers={"WWW-Authenticate": "Bearer"})
        entry = tokens.entry_of(token.strip(), backend.entries)
        if entry is None:
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            raise ProblemError(401, "token-unknown", "the token is not known", headers=challenge)
        return Caller(entry.tenant, by=entry.name)


class Signature(Guard, SecurityBase):
    """A signature of some scheme; `secret` is a reference such as `env:WEBHOOK_SECRET`."""

    def __init__(self, graph: Graph, scheme: Scheme, secret: str) -> None:
        super().__init__(graph)
        self.scheme = scheme
        self.secret = secret
        self.model, self.scheme_name = _documented(scheme)

    async def admit(self, request: JsonRequest, backend: Backend) -> Caller:
        """Verify the signature of the body as it came."""
        keys = self._keys()
        body = await request.body()
        tolerance = backend.settings.webhook_tolerance
        try:
            self.scheme.verify(request.headers, body, keys, now=time.time(), tolerance=tolerance)
        except SignatureError as error:
            challenge = {"WWW-Authenticate": self.scheme.challenge}
            raise ProblemError(401, "signature-refused", str(error), headers=challenge) from error
        identity = self.scheme.identity(request.headers, body)
        if identity is not None and not is_id(identity):
            raise ProblemError(
                400, "bad-delivery-id", "the id of the delivery is not 1 to 200 visible ASCII characters"
            )
        return Caller(WEBHOOK_TENANT, delivery=identity, greeting=self.scheme.greeting(request.headers, body))

    def _keys(self) -> tuple[bytes, ...]:
        name = self.secret.removeprefix("env:")
        try:
            return self.scheme.keys(os.environ.get(name, ""))
        except ValueError as error:
            LOG.error("the webhook secret in %s cannot be used: %s", name, error)
            raise ProblemError(503, "webhook-not-configured", "the service lacks the secret of this webhook") from error


def _documented(scheme: Scheme) -> tuple[SecurityModel, str]:
    """Describe a scheme as OpenAPI does, under a name that only those share which are the same."""
    if isinstance(scheme, Basic):
        return HTTPBase(scheme="basic", description=scheme.about), "webhook-basic"
    if isinstance(scheme, Token) and scheme.is_bearer:
        return HTTPBearer(description=scheme.about), "webhook-token"
    header = scheme.header.lower()
    model = APIKey(**{"in": APIKeyIn.header}, name=header, description=scheme.about)
    return model, "webhook" if isinstance(scheme, Standard) else f"webhook-{header}"


class Open(Guard):
    """Anyone: a webhook of which the pipeline says aloud that it checks nothing."""

    async def admit(self, request: JsonRequest, backend: Backend) -> Caller:  # noqa: ARG002 - the guard's interface
        """Admit, for the tenant of webhooks."""
        return Caller(WEBHOOK_TENANT)


class Linked(Guard):
    """A link that this service signed, which has not expired."""

    async def admit(self, request: JsonRequest, backend: Backend) -> Caller:
        """Verify the link in the path."""
        found = links.read(str(request.path_params.get("token", "")))
        if found is None:
            raise _no_link()
        link, mac = found
        if link.shard >= backend.settings.shards:
            raise _no_link()
        key = await anyio.to_thread.run_sync(backend.service.store.signing_key, link.shard)
        if not links.verified(link, mac, key):
            raise _no_link()
        if link.until <= time.time():
            raise ProblemError(410, "link-expired", "the link has expired: its run is over")
        return Caller("", link=link)


def _no_link() -> ProblemError:
    return ProblemError(404, "link-unknown", "the link leads nowhere: it is incomplete, or of another service")


class Public(Guard):
    """Anyone."""

    async def admit(self, request: JsonRequest, backend: Backend) -> Caller:  # noqa: ARG002 - the guard's interface
        """Admit."""
        return Caller("")
