"""The target `fastapi`: `api.py`, with the routes of one pipeline and the app around them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from saltern_compiler.expr.kinds import holds
from saltern_compiler.ir.pipeline import BODY, SIGNATURE, Trigger
from saltern_compiler.ir.plan import Plan
from saltern_compiler.ir.values import Literal, SecretRef
from saltern_compiler.pytext import identifier, string
from saltern_compiler.target import Contribution, Target
from saltern_runtime.spec.types import FILE
from saltern_targets.names import package_name
from saltern_targets.processes import PUBLIC_URL, drain, takes_answers
from saltern_targets.writing import Module

_TAKEN = frozenset({"router", "create_app", "start_run", "body", "start", "deliver"})
_LONGEST = 40
"""Characters of a path that its function is named after."""


def emit(plan: Plan, options: Mapping[str, str]) -> Mapping[str, bytes]:  # noqa: ARG001 - the interface of targets; there are no options
    """Write `<package>/api.py`."""
    package = package_name(plan)
    doc = f"HTTP API of the pipeline {package}: `router` for an app of yours, `create_app` for one of its own."
    module = Module(doc, source_name=plan.source_name, package=package)
    module.use("fastapi", "FastAPI", "Response")
    module.use("saltern_runtime.settings", "Settings")
    module.use("saltern_runtime.web", "PipelineRouter", "Start", "build_app")
    module.use(f"{package}.graph", "GRAPH")
    module.use(f"{package}.models", "Input", "Output")
    module.add(_ROUTER)
    taken = set(_TAKEN)
    for trigger in plan.pipeline.triggers:
        if trigger.type != "webhook":
            continue
        module.use("saltern_runtime.web", "Delivery")
        path = _path(trigger)
        name = identifier(f"receive{path[:_LONGEST]}", taken)
        taken.add(name)
        module.blank(2)
        word, settings = _signature(trigger)
        if settings:
            module.use("saltern_runtime.web", _MADE_OF[word])
        module.add(_webhook(trigger, _secret(plan, trigger), name))
    module.blank(2)
    module.add(_APP)
    return {f"{package}/api.py": module.render()}


_ROUTER = '''
router = PipelineRouter(GRAPH, output=Output)
"""Every route of the pipeline; `app.include_router(router, prefix="/some/path")` puts it into another app."""


@router.start("/runs")
async def start_run(body: Input, start: Start) -> Response:
    """Start a run: 202 at once, or 200 with the finished run after `Prefer: wait=10`, if it ends in time."""
    return await start(body)
'''

_APP = '''
def create_app(settings: Settings | None = None) -> FastAPI:
    """Make the app that serves this pipeline alone; settings come from `SALTERN_*` variables unless given."""
    return build_app(router, settings)
'''


_STANDARD = "standard"
_MADE_OF = {"hmac": "Hmac", "token": "Token"}
"""Word with settings → the class that takes them."""
_SIGNED = {
    _STANDARD: "signed by Standard Webhooks; a known webhook-id answers with the first run",
    "github": "of GitHub; a known X-GitHub-Delivery answers with the first run",
    "stripe": "of Stripe; an event whose id is known answers with the first run",
    "slack": "of Slack; a known event_id answers with the first run",
    "shopify": "of Shopify; a known X-Shopify-Webhook-Id answers with the first run",
    "hmac": "signed by an HMAC",
    "basic": "that brings a name and a password",
    "token": "that brings a secret in a header",
    "none": "of anyone: nothing is checked",
}
"""How a delivery is signed, as the functions that take it say."""
_LISTED = {
    _STANDARD: "Standard Webhooks",
    "github": "GitHub",
    "stripe": "Stripe",
    "slack": "Slack",
    "shopify": "Shopify",
    "hmac": "HMAC",
    "basic": "name and password",
    "token": "secret in a header",
    "none": "unsigned",
}
"""The same in a list."""


def _webhook(trigger: Trigger, secret: str | None, name: str) -> str:
    path, respond = _path(trigger), _respond(trigger)
    word, settings = _signature(trigger)
    made = ", ".join(f"{key}={string(value)}" for key, value in settings.items())
    scheme = f"{_MADE_OF[word]}({made})" if settings else string(word)
    signed = f", signature={scheme}" if word != _STANDARD else ""
    signed += f", secret={string(secret)}" if secret is not None else ""
    how = _SIGNED[word]
    waits = f", respond={respond!r}" if respond else ""
    body = trigger.setting(BODY)
    reads = f", body={string(str(body.value))}" if isinstance(body, Literal) else ""
    answers = f"\n    # The run answers it, where it does so within {respond:g} s." if respond else ""
    return f'''
@router.webhook({string(path)}{signed}{waits}{reads})
async def {name}(body: Input, deliver: Delivery) -> Response:
    """Start a run with a delivery {how}."""{answers}
    return await deliver(body)
'''


def _path(trigger: Trigger) -> str:
    path = trigger.setting("path")
    if not isinstance(path, Literal) or not isinstance(path.value, str):
        raise TypeError("a checked webhook has a path")
    return path.value


def _signature(trigger: Trigger) -> tuple[str, Mapping[str, str]]:
    """Return the word for a signature, and the settings behind it: the header first, the others by name."""
    value = trigger.setting(SIGNATURE)
    said = value.value if isinstance(value, Literal) else None
    if isinstance(said, str):
        return said, {}
    if not isinstance(said, dict):
        raise TypeError("a checked webhook has a signature")
    [(word, settings)] = said.items()
    return word, dict(sorted(settings.items(), key=lambda pair: (pair[0] != "header", pair[0])))


def _respond(trigger: Trigger) -> float:
    value = trigger.setting("respond")
    return float(value.value) if isinstance(value, Literal) else 0.0


def _secret(plan: Plan, trigger: Trigger) -> str | None:
    value = trigger.setting("secret")
    if not isinstance(value, SecretRef):
        return None
    secret = plan.pipeline.secret(value.name)
    if secret is None:
        raise TypeError("a checked webhook's secret is declared")
    return secret.reference


def contribute(plan: Plan) -> Contribution:
    """Export the router and the app, ask for the web extra, and say how to run it."""
    return Contribution(
        exports=(("api", "create_app"), ("api", "router")), extras=("web",), readme="\n".join(_readme(plan)) + "\n"
    )


def _readme(plan: Plan) -> Iterator[str]:
    package = package_name(plan)
    yield "## HTTP API"
    yield ""
    yield "```sh"
    yield "export SALTERN_REDIS_URL=redis://127.0.0.1:6379/0"
    yield "python -m saltern_runtime.web.tokens new default   # prints a token, and its entry for the next line"
    yield "export SALTERN_API_TOKENS=default=sha256:..."
    yield f"uvicorn --factory {package}:create_app --timeout-graceful-shutdown {drain(plan)}"
    yield "```"
    yield ""
    yield "| route | |"
    yield "| --- | --- |"
    yield "| `POST /runs` | start a run: 202, or 200 with the finished run after `Prefer: wait=10`; takes an `Idempotency-Key` |"
    yield "| `GET /runs`, `GET /runs/{id}` | list runs; one run with every node's state |"
    yield "| `GET /runs/{id}/events` | its events as they happen (SSE; continues after `Last-Event-ID`) |"
    yield "| `POST /runs/{id}/cancel` | cancel it |"
    has_files = holds(plan.input_type, FILE) or holds(plan.output_type, FILE)
    if has_files:
        yield "| `POST /files` | store the body as a file (`?name=`): what is answered stands for it in a run's input; `POST /runs` takes forms with files, too |"
        yield "| `GET /files/{sha256}` | the bytes of a file |"
    if takes_answers(plan):
        yield f"| `GET`, `POST /answers/{{link}}` | what a node asks, and the answer: for whoever holds the link, which begins with `{PUBLIC_URL}` |"
        yield "| `POST /runs/{id}/answers` | the same with a token |"
    for trigger in plan.pipeline.triggers:
        if trigger.type == "webhook":
            secret = _secret(plan, trigger)
            how = f"checked with the secret in `{secret.removeprefix('env:')}`" if secret else "for anyone"
            word, _ = _signature(trigger)
            yield f"| `POST {_path(trigger)}` | webhook ({_LISTED[word]}), {how} |"
    yield "| `/healthz`, `/readyz`, `/metrics`, `/openapi.json` | for operators; the first two need no token |"
    yield ""
    yield "`SALTERN_MAX_OPEN_RUNS` lets each tenant have so many open runs: one more is a 429. 0, as it is unless set, lets it have any number."
    yield ""
    if has_files:
        yield "Files lie in the memory of Redis unless another place is named:"
        yield ""
        yield "| setting | |"
        yield "| --- | --- |"
        yield "| `SALTERN_PAYLOADS` | where files and large values lie: empty for Redis, `file:///a/folder`, `s3://BUCKET/PREFIX`; the same for API, workers and timers |"
        yield "| `SALTERN_MAX_FILE` | bytes of one file at most: 268435456 (256 MiB) |"
        yield "| `SALTERN_UPLOAD_KEEP` | seconds for which an uploaded file is kept that no run takes: 86400 (a day) |"
        yield ""
    yield f'In an app of yours: `from {package} import router`, then `app.include_router(router, prefix="/{package}")`.'


TARGET = Target(
    name="fastapi",
    summary="The HTTP API: a router and an app.",
    emit=emit,
    contribute=contribute,
    needs=("python",),
)
