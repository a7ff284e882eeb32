"""Signatures that are one HMAC in one header: what GitHub, Slack and Shopify send, and whoever else does so."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import parse_qs

from saltern_runtime.web.signatures.base import (
    Scheme,
    SignatureError,
    check_any,
    check_time,
    peek,
    read_time,
    text_in,
)

_PLACES: Final = re.compile(r"(\{body\}|\{timestamp\}|\{id\})")


@dataclass(frozen=True, slots=True)
class Hmac(Scheme):
    """An HMAC of what `signed` says, in which `{body}`, `{timestamp}` and `{id}` stand for what was sent."""

    header: str
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    """What stands before the signature in its header."""
    signed: str = "{body}"
    timestamp: str = ""
    """The header with the time of sending, in seconds since 1970; a vendor that signs none has none."""
    id: str = "webhook-id"
    about: str = "An HMAC of the body."
    one_word = False

    def verify(
        self, headers: Mapping[str, str], body: bytes, keys: Sequence[bytes], *, now: float, tolerance: float
    ) -> None:
        """Check the signature, then the time if there is one."""
        given = headers.get(self.header.lower(), "")
        if not given.startswith(self.prefix) or given == self.prefix:
            raise SignatureError(f"{self.header} is missing or malformed")
        sent = headers.get(self.timestamp.lower(), "") if self.timestamp else ""
        at = read_time(sent) if self.timestamp else None
        presented = given.removeprefix(self.prefix)
        values = {"{body}": body, "{timestamp}": sent.encode(), "{id}": headers.get(self.id.lower(), "").encode()}
        message = b"".join(values.get(part, part.encode()) for part in _PLACES.split(self.signed))
        check_any(
            [presented.lower() if self.encoding == "hex" else presented], [self._sign(key, message) for key in keys]
        )
        if at is not None:
            check_time(at, now, tolerance)

    def _sign(self, key: bytes, message: bytes) -> str:
        mac = hmac.new(key, message, getattr(hashlib, self.algorithm))
        return mac.hexdigest() if self.encoding == "hex" else base64.b64encode(mac.digest()).decode()


@dataclass(frozen=True, slots=True)
class GitHub(Hmac):
    """X-Hub-Signature-256; its ping is answered. Neither the delivery's id nor its event is signed."""

    header: str = "X-Hub-Signature-256"
    prefix: str = "sha256="
    id: str = "X-GitHub-Delivery"
    about: str = "GitHub: X-Hub-Signature-256, an HMAC of the body."
    payload = "payload"

    def greeting(self, headers: Mapping[str, str], body: bytes) -> dict[str, Any] | None:  # noqa: ARG002 - the interface
        """Answer the ping that GitHub sends when the webhook is set up."""
        return {"pong": True} if headers.get("x-github-event") == "ping" else None


@dataclass(frozen=True, slots=True)
class Slack(Hmac):
    """X-Slack-Signature, over version, time and body; events are known by `event_id`, commands by `trigger_id`."""

    header: str = "X-Slack-Signature"
    prefix: str = "v0="
    signed: str = "v0:{timestamp}:{body}"
    timestamp: str = "X-Slack-Request-Timestamp"
    about: str = "Slack: X-Slack-Signature and X-Slack-Request-Timestamp."
    one_word = True
    payload = "payload"

    def identity(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """Return the id of the event, or what Slack gives out once for each command and click."""
        if not headers.get("content-type", "").lower().startswith("application/x-www-form-urlencoded"):
            return text_in(peek(body), "event_id")
        fields = parse_qs(body.decode("utf-8", "replace"))
        [payload], [trigger] = fields.get("payload", [""])[:1], fields.get("trigger_id", [""])[:1]
        return text_in(peek(payload.encode()), "trigger_id") or trigger or None

    def greeting(self, headers: Mapping[str, str], body: bytes) -> dict[str, Any] | None:  # noqa: ARG002 - the interface
        """Give the challenge of `url_verification` back."""
        found = peek(body)
        challenge = text_in(found, "challenge")
        return {"challenge": challenge} if found.get("type") == "url_verification" and challenge else None


@dataclass(frozen=True, slots=True)
class Shopify(Hmac):
    """X-Shopify-Hmac-SHA256 in base64. One event may be sent to several webhooks, so the webhook's id comes first."""

    header: str = "X-Shopify-Hmac-SHA256"
    encoding: Literal["hex", "base64"] = "base64"
    id: str = "X-Shopify-Webhook-Id"
    about: str = "Shopify: X-Shopify-Hmac-SHA256, an HMAC of the body."
    one_word = True

    def identity(self, headers: Mapping[str, str], body: bytes) -> str | None:  # noqa: ARG002 - the interface
        """Return the id of the delivery, or of the event where it has none."""
        return headers.get(self.id.lower()) or headers.get("x-shopify-event-id")
