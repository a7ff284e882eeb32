"""The router inside other people's apps, and the app that stands alone."""

import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY

from saltern_runtime.web import build_app

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module", params=["included", "prefixed", "mounted", "nested"])
def standing(request, router, settings):
    """Another app with the router in it, the app that has the backend, and the path under which it stands."""
    outer = FastAPI()

    @outer.get("/own")
    async def own() -> dict[str, str]:
        return {"own": "route"}

    match request.param:
        case "included":
            outer.include_router(router)
            return outer, outer, ""
        case "prefixed":
            outer.include_router(router, prefix="/triage")
            return outer, outer, "/triage"
        case "mounted":
            inner = build_app(router, settings)
            outer.mount("/triage", inner)
            return outer, inner, "/triage"
        case _:
            from fastapi import APIRouter

            between = APIRouter(prefix="/v1")
            between.include_router(router, prefix="/triage")
            outer.include_router(between)
            return outer, outer, "/v1/triage"


@pytest.fixture
def foreign(standing, furnish):
    """Another app with the router in it, and the path under which it stands."""
    outer, inner, base = standing
    furnish(inner)
    return outer, base


async def test_runs_work_wherever_the_router_stands(foreign, connect, service):
    """Starting, following the given URL, cancelling: under any prefix or mount."""
    app, base = foreign
    async with connect(app) as client:
        started = await client.post(f"{base}/runs", json={"id": "a"})
        assert started.headers["location"].startswith(f"{base}/runs/")
        assert (await client.get(started.headers["location"])).status_code == 200
        assert (await client.post(started.headers["location"] + "/cancel")).status_code == 202
        assert (await client.get("/own")).json() == {"own": "route"}


@pytest.mark.parametrize(
    ("request_line", "body", "status"),
    [
        ("GET /runs/x", None, 404),
        ("DELETE /runs", None, 405),
        ("POST /runs", b" " * 9000, 413),
        ("POST /runs", b"{", 400),
        ("POST /runs", b"{}", 422),
    ],
)
async def test_errors_are_problems_in_foreign_apps(foreign, connect, request_line, body, status):
    """The outer app installs no handlers, and the router's errors are problems all the same."""
    app, base = foreign
    method, path = request_line.split()
    async with connect(app) as client:
        answer = await client.request(method, base + path, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_bugs_are_problems_in_foreign_apps(foreign, connect, service):
    """What nobody expected does not reach the outer app."""
    app, base = foreign
    service.broken = ZeroDivisionError()
    async with connect(app) as client:
        answer = await client.get(f"{base}/runs")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")


async def test_tokens_are_needed_in_foreign_apps(foreign, connect):
    """Including the router opens nothing."""
    app, base = foreign
    async with connect(app, None) as client:
        assert (await client.get(f"{base}/runs")).status_code == 401


async def test_two_apps_share_nothing(router, settings, furnish):
    """One router in two apps has a backend in each."""
    first, second = furnish(FastAPI()), furnish(FastAPI())
    first.include_router(router)
    second.include_router(router)
    assert first.state.saltern_backends["greeter"] is not second.state.saltern_backends["greeter"]


async def test_the_document_names_the_pipelines_own_types(app, client):
    """OpenAPI 3.1 with this pipeline's input and output, problems, and both ways to authenticate."""
    document = (await client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    start = document["paths"]["/runs"]["post"]
    schema = start["requestBody"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/Input"}
    finished = start["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    output = document["components"]["schemas"][finished]["properties"]["output"]
    assert {"$ref": "#/components/schemas/Output"} in output["anyOf"]
    problem = start["responses"]["422"]["content"]["application/problem+json"]["schema"]
    assert problem == {"$ref": "#/components/schemas/Problem"}
    assert "Problem" in document["components"]["schemas"]
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert start["security"] == [{"token": []}]
    assert document["paths"]["/hooks/greet"]["post"]["security"] == [{"webhook": []}]
    headers = {each["name"].lower() for each in start["parameters"]}
    assert headers == {"idempotency-key", "prefer"}
    assert start["description"] == "Start a run."


async def test_operations_ids_are_unique(app):
    """Client generators get one name for each operation."""
    ids = [each["operationId"] for path in app.openapi()["paths"].values() for each in path.values()]
    assert len(ids) == len(set(ids))


async def test_health_readiness_and_metrics(client):
    """The three that an operator's tools call."""
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    assert (await client.get("/readyz")).json() == {"status": "ready"}
    metrics = await client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert 'saltern_runs_total{pipeline="greeter",state="SUCCEEDED"} 3.0' in metrics.text
    assert next(iter(REGISTRY.collect())).name in metrics.text


async def test_health_needs_no_store(client, service):
    """A store that is away makes the process unready, not dead."""
    service.broken = ConnectionError()
    assert (await client.get("/healthz")).status_code == 200


async def test_open_docs_serve_the_page_without_data(router, settings, furnish, connect):
    """Where docs are open, the page of runs and the document are there for anyone, runs are not."""
    from dataclasses import replace

    app = furnish(build_app(router, replace(settings, docs="open")))
    async with connect(app, None) as client:
        page = await client.get("/")
        assert page.headers["content-type"].startswith("text/html")
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "http://" not in page.text.replace("http://www.w3.org/2000/svg", "")
        assert (await client.get("/openapi.json")).status_code == 200
        assert (await client.get("/docs")).status_code == 200
        assert (await client.get("/runs")).status_code == 401
