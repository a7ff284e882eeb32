"""The target `compose`: the whole service on one machine, each process with what it needs and no more."""

import re
from dataclasses import replace

import pytest
import yaml

from saltern_compiler.driver import Source, compile_loaded
from saltern_targets.compose.target import TARGET
from saltern_targets.processes import PORT, api, grace, slug, timers, worker
from tests.support.built import SOURCES


@pytest.fixture(scope="module")
def plan():
    """Give the plan of support_triage."""
    return compile_loaded(Source.load(str(SOURCES["support_triage"])), targets=()).plan


@pytest.fixture(scope="module")
def project(plan):
    """Read what compose.yaml holds."""
    return yaml.safe_load(TARGET.emit(plan, {})["compose.yaml"])


def test_api_worker_timers_and_redis(project, plan):
    """Each process runs its command; there are two timers."""
    services = project["services"]
    assert list(services) == ["api", "worker", "timers", "redis"]
    assert [services[name]["command"] for name in ("api", "worker", "timers")] == [
        list(each) for each in (api(plan), worker(plan), timers(plan))
    ]
    assert services["timers"]["deploy"] == {"mode": "replicated", "replicas": 2}


def test_redis_loses_nothing_on_purpose(project):
    """The store evicts nothing and writes what it acknowledged to a volume."""
    redis = project["services"]["redis"]
    options = " ".join(redis["command"])
    assert "--maxmemory-policy noeviction" in options
    assert "--appendonly yes" in options
    assert redis["volumes"] == ["redis:/data"]
    assert "redis" in project["volumes"]


@pytest.mark.parametrize("name", ["api", "worker", "timers", "redis"])
def test_every_container_is_hardened(project, name):
    """Read-only, no capabilities, no new privileges, a user that is not root, a health check without a shell."""
    service = project["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] in ("10001:10001", "redis")
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] == "unless-stopped"
    assert "privileged" not in service


def test_secrets_reach_only_who_reads_them(project):
    """A webhook's secret goes to the API, a connection's to workers; a missing one stops compose with a message."""
    environment = {name: service.get("environment", {}) for name, service in project["services"].items()}
    wanted = {
        name: {key for key, value in given.items() if ":?" in (value or "")}
        for name, given in environment.items()
        if name != "redis"
    }
    assert wanted == {
        "api": {"WEBHOOK_SECRET"},
        "worker": {"CRM_DSN", "OPENAI_API_KEY", "SLACK_TOKEN"},
        "timers": set(),
    }
    assert all(re.fullmatch(rf"\$\{{{key}:\?.+\}}", environment["api"][key]) for key in wanted["api"])


@pytest.mark.parametrize("name", ["api", "worker", "timers"])
def test_traces_go_where_the_environment_says(project, name):
    """The variables of OpenTelemetry have no value of their own: what is not set outside is not set inside."""
    given = project["services"][name]["environment"]
    found = {key: value for key, value in given.items() if key.startswith("OTEL_")}
    assert set(found.values()) == {None}
    assert {"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_TRACES_SAMPLER"} <= set(found)


def test_only_loopback_and_only_the_api(project):
    """Nothing but the API is published, on loopback; the store alone reaches no other host: all of ours send traces where they are told to."""
    published = {name: service.get("ports") for name, service in project["services"].items()}
    assert {name for name, ports in published.items() if ports} == {"api"}
    assert published["api"] == [f"127.0.0.1:${{PORT:-{PORT}}}:{PORT}"]
    assert project["networks"]["store"] == {"internal": True}
    ours = [project["services"][name]["networks"] for name in ("api", "worker", "timers")]
    assert ours == [["default", "store"]] * 3
    assert project["services"]["redis"]["networks"] == ["store"]


def test_a_worker_gets_the_time_that_its_longest_stage_takes(project, plan):
    """The grace period that compose gives is the one that the worker knows of."""
    service = project["services"]["worker"]
    assert service["stop_grace_period"] == f"{grace(plan)}s"
    assert service["environment"]["SALTERN_GRACE"] == str(grace(plan))
    assert grace(plan) > max(stage.timeout for stage in plan.stages)


@pytest.mark.parametrize(
    "name",
    [
        'a"b',
        "${HOME}",
        "x: [y]",
        "&anchor *alias",
        "!!python/object:os.system",
        "Zoë",
        "_",
        "9",
        "on",
        "null",
        "\n- a",
        "a" * 90,
    ],
)
def test_names_are_data(plan, name):
    """However a pipeline is called, the project's name is one that compose takes, and the file has the same shape."""
    evil = replace(plan, pipeline=replace(plan.pipeline, name=name), source_name=f"{name}.saltern")
    text = TARGET.emit(evil, {})["compose.yaml"].decode()
    project = yaml.safe_load(text)
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", project["name"])
    assert project["name"] == slug(evil)
    assert list(project["services"]) == ["api", "worker", "timers", "redis"]
    assert not re.search(r"^[^#]*[&*!]\w", text, re.MULTILINE), "neither anchors, aliases nor tags"
    harmless = replace(plan, pipeline=replace(plan.pipeline, name="x"), source_name="x.saltern")
    assert text.count("\n") == TARGET.emit(harmless, {})["compose.yaml"].decode().count("\n")
