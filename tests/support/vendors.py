"""Deliveries as vendors sign them: one function a scheme, by the vendors' texts and nothing of ours."""

import base64
import hmac
import time

from saltern_runtime.web.signatures import Hmac, Token

KEY = "8f742231b10e8888abcd99yyyzzz85a5"
OTHER = "0123456789abcdef0123456789abcdef"
BODY = b'{"id": "a"}'
PASSWORD = "acme:correct horse battery"
OTHER_PASSWORD = "acme:something else entirely"


def mac(key, data, algorithm="sha256"):
    return hmac.new(key.encode(), data, algorithm)


def github(body, key=KEY, **more):
    return {"x-hub-signature-256": f"sha256={mac(key, body).hexdigest()}", "x-github-event": "push", **more}


def slack(body, key=KEY, at=None, **more):
    at = str(int(time.time() if at is None else at))
    return {
        "x-slack-request-timestamp": at,
        "x-slack-signature": f"v0={mac(key, f'v0:{at}:'.encode() + body).hexdigest()}",
        **more,
    }


def stripe(body, key=KEY, at=None, **more):
    at = str(int(time.time() if at is None else at))
    return {"stripe-signature": f"t={at},v1={mac(key, f'{at}.'.encode() + body).hexdigest()},v0=6ffbb59b", **more}


def shopify(body, key=KEY, **more):
    return {"x-shopify-hmac-sha256": base64.b64encode(mac(key, body).digest()).decode(), **more}


def custom(body, key=KEY, at=None, **more):
    at = str(int(time.time() if at is None else at))
    digest = base64.b64encode(mac(key, b"7|" + at.encode() + b"|" + body, "sha512").digest()).decode()
    return {"x-acme-signature": f"acme {digest}", "x-acme-time": at, "x-acme-id": "7", **more}


def basic(_body, key=PASSWORD, **more):
    return {"authorization": "Basic " + base64.b64encode(key.encode()).decode(), **more}


def token(_body, key=KEY, **more):
    return {"authorization": f"Bearer {key}", **more}


def gitlab(_body, key=KEY, **more):
    return {"x-gitlab-token": key, **more}


ACME = Hmac(
    "X-Acme-Signature",
    algorithm="sha512",
    encoding="base64",
    prefix="acme ",
    signed="{id}|{timestamp}|{body}",
    timestamp="X-Acme-Time",
    id="X-Acme-Id",
)
SCHEMES = {
    "github": ("github", github),
    "slack": ("slack", slack),
    "stripe": ("stripe", stripe),
    "shopify": ("shopify", shopify),
    "hmac": (ACME, custom),
    "basic": ("basic", basic),
    "token": ("token", token),
    "gitlab": (Token("X-Gitlab-Token", id="X-Gitlab-Event-UUID"), gitlab),
}


def secret_of(kind, other=False):
    if kind == "basic":
        return OTHER_PASSWORD if other else PASSWORD
    return OTHER if other else KEY
