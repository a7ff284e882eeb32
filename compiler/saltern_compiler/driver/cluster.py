"""Applies a tree's Kubernetes objects to a cluster, and removes them: the only part of the compiler that speaks with one.

Server-side apply with a field manager of its own: what others set (an autoscaler, an operator) stays theirs, and an
object that says the same again is not changed.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Final

import yaml
from kubernetes import client as api
from kubernetes import config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import ResourceNotFoundError
from urllib3.exceptions import HTTPError

from saltern_runtime.dataclass import dataclass

Object = dict[str, Any]
MANAGER: Final = "saltern"
BASE: Final = "deploy/kubernetes"
_PREFIX: Final = "app.kubernetes.io/"
_STRICT: Final = ("fieldValidation", "Strict")
_ANSWER: Final = 30
"""Seconds for one answer of the API server."""


class ClusterError(Exception):
    """The cluster refuses, or cannot be reached; the message says what, and why."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying an object did: `created`, `changed`, `unchanged`, or `left` for a namespace that is somebody else's."""

    name: str
    outcome: str


def read_base(files: Mapping[str, bytes]) -> tuple[Object, ...]:
    """Return the objects of a tree's kustomize base, in the order of its kustomization; raises ClusterError."""
    try:
        kustomization = yaml.safe_load(files[f"{BASE}/kustomization.yaml"])
        texts = [files[str(PurePosixPath(BASE, name))] for name in kustomization["resources"]]
        objects = [document for text in texts for document in yaml.safe_load_all(text) if document]
        good = all(
            isinstance(document["metadata"]["name"], str) and document["kind"] and document["apiVersion"]
            for document in objects
        )
    except (KeyError, TypeError, yaml.YAMLError) as error:
        raise ClusterError(f"{BASE} is no kustomize base of ours: {error}") from None
    if not good or not objects:
        raise ClusterError(f"{BASE} is no kustomize base of ours: it holds what is no object")
    return tuple(objects)


def load_base(folder: Path) -> tuple[Object, ...]:
    """Read the objects out of a folder that `saltern build` wrote; raises ClusterError."""
    base = folder / BASE
    if not (base / "kustomization.yaml").is_file():
        raise ClusterError(f"{folder}: no {BASE}/kustomization.yaml there; build with --target kubernetes")
    return read_base({f"{BASE}/{path.name}": path.read_bytes() for path in base.glob("*.yaml")})


def moved(objects: Iterable[Object], namespace: str) -> tuple[Object, ...]:
    """Return the objects in another namespace."""

    def move(wanted: Object) -> Object:
        place = {"name": namespace} if wanted["kind"] == "Namespace" else {"namespace": namespace}
        return wanted | {"metadata": wanted["metadata"] | place}

    return tuple(move(document) for document in objects)


def title(of: Object) -> str:
    """`deployment/support-triage-api`."""
    return f"{of['kind'].lower()}/{of['metadata']['name']}"


class Cluster:
    """One cluster, by a context of the kubeconfig. Every method raises ClusterError."""

    def __init__(self, context: str, kubeconfig: str | None = None) -> None:
        settings = api.Configuration()
        try:
            config.load_kube_config(config_file=kubeconfig, context=context, client_configuration=settings)  # type: ignore[no-untyped-call]  # untyped function
        except (ConfigException, yaml.YAMLError, OSError, TypeError, ValueError, LookupError, AttributeError) as error:
            raise ClusterError(f"the context {context!r} cannot be used: {error}") from None
        settings.retries = 1
        self._host = settings.host
        with self._speaking(f"ask {context}"), tempfile.TemporaryDirectory(prefix="saltern-") as folder:
            self._client: Any = DynamicClient(api.ApiClient(settings), cache_file=str(Path(folder, "discovery")))  # type: ignore[no-untyped-call]  # untyped package

    def apply(self, wanted: Object, *, force: bool = False) -> Applied:
        """Make an object as it is wanted. A namespace that is there and is not ours is left alone."""
        before = self.get(wanted)
        if wanted["kind"] == "Namespace" and before is not None and not _is_ours(before, wanted):
            return Applied(title(wanted), "left")
        with self._speaking(f"apply {title(wanted)}"):
            after = self._resource(wanted).server_side_apply(
                body=wanted,
                namespace=wanted["metadata"].get("namespace"),
                field_manager=MANAGER,
                force_conflicts=force,
                query_params=[_STRICT],
                _request_timeout=_ANSWER,
            )
        if before is None:
            return Applied(title(wanted), "created")
        same = before["metadata"]["resourceVersion"] == after.metadata.resourceVersion
        return Applied(title(wanted), "unchanged" if same else "changed")

    def get(self, of: Object) -> Object | None:
        """Return an object as the cluster has it."""
        meta = of["metadata"]
        with self._speaking(f"read {title(of)}"):
            try:
                answer = self._resource(of).get(
                    name=meta["name"], namespace=meta.get("namespace"), _request_timeout=_ANSWER
                )
            except ApiException as error:
                if error.status == 404:
                    return None
                raise
            return dict(answer.to_dict())

    def list(self, api_version: str, kind: str, namespace: str | None, labels: Mapping[str, str]) -> list[Object]:
        """Return the objects that carry labels."""
        with self._speaking(f"list {kind}"):
            answer = self._client.resources.get(api_version=api_version, kind=kind).get(
                namespace=namespace,
                label_selector=",".join(f"{key}={value}" for key, value in sorted(labels.items())),
                _request_timeout=_ANSWER,
            )
            return [{"apiVersion": api_version, "kind": kind, **item} for item in answer.to_dict()["items"]]

    def delete(self, of: Object) -> None:
        """Remove an object and what it owns; one that is gone already is no error."""
        meta = of["metadata"]
        with self._speaking(f"delete {title(of)}"):
            try:
                self._resource(of).delete(
                    name=meta["name"],
                    namespace=meta.get("namespace"),
                    body={"propagationPolicy": "Background"},
                    _request_timeout=_ANSWER,
                )
            except ApiException as error:
                if error.status != 404:
                    raise

    def ours(self, objects: Iterable[Object]) -> Iterator[Object]:
        """Yield what was ever applied of a service and is still there, older versions too; the namespace last."""
        wanted = tuple(objects)
        for api_version, kind, namespace in sorted(
            {
                (resource["apiVersion"], resource["kind"], resource["metadata"]["namespace"])
                for resource in wanted
                if _lives_inside(resource)
            }
        ):
            one = next(resource for resource in wanted if _lives_inside(resource))
            yield from self.list(api_version, kind, namespace, _mark(one))
        for resource in wanted:
            if resource["kind"] != "Namespace":
                continue
            there = self.get(resource)
            if there is not None and _is_ours(there, resource) and not self._others(resource):
                yield there

    def _others(self, namespace: Object) -> bool:
        """Whether somebody else runs something in a namespace."""
        mine = _mark(namespace).items()
        every = self.list("apps/v1", "Deployment", namespace["metadata"]["name"], {})
        return any(not mine <= resource["metadata"].get("labels", {}).items() for resource in every)

    def _resource(self, of: Object) -> Any:
        try:
            return self._client.resources.get(api_version=of["apiVersion"], kind=of["kind"])
        except ResourceNotFoundError:
            raise ClusterError(f"the cluster knows no {of['kind']} of {of['apiVersion']}: it is too old") from None

    @contextmanager
    def _speaking(self, doing: str) -> Iterator[None]:
        try:
            yield
        except ApiException as error:
            raise ClusterError(f"cannot {doing}: {_reason(error)}") from None
        except HTTPError as error:
            raise ClusterError(f"cannot {doing}: {self._host} does not answer: {error}") from None


def _lives_inside(wanted: Object) -> bool:
    return "namespace" in wanted["metadata"]


def _mark(of: Object) -> dict[str, str]:
    labels = of["metadata"].get("labels", {})
    return {key: labels.get(key, "") for key in (f"{_PREFIX}managed-by", f"{_PREFIX}part-of")}


def _is_ours(there: Object, wanted: Object) -> bool:
    return _mark(there) == _mark(wanted)


def _reason(error: ApiException) -> str:
    """Return the API server's own words."""
    body: Callable[[], Any] = lambda: json.loads(error.body or "")  # noqa: E731 - read once, and only guarded
    try:
        message = str(body()["message"])
    except (ValueError, KeyError, TypeError):
        message = str(error.reason)
    if error.status == 409 and "conflict" in message.lower():
        return f"{message}; --force takes these fields over"
    return message
