"""Celery's broker out of its address, as kombu wants to have it."""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import quote

from saltern_runtime.settings import NO_CLUSTER, Settings, SettingsError
from saltern_runtime.spec.addresses import BrokerAddress, RedisAddress
from saltern_runtime.store.ways import sentinels


def broker_conf(settings: Settings) -> dict[str, Any]:
    """Return Celery's settings of the broker; raises SettingsError. A password in a file is read here, once for each start of a process."""
    address = settings.broker
    if not address:
        raise SettingsError(NO_CLUSTER)
    timeout = settings.socket_timeout
    options: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "socket_keepalive": True,
        "max_retries": 1,
        "interval_start": 0,
    }
    if address.kind == "sentinel":
        given = sentinels(address, timeout)
        options |= {"master_name": address.service, "sentinel_kwargs": given}
    conf: dict[str, Any] = {
        "broker_url": _url(address),
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_connection_timeout": timeout,
        "broker_transport_options": options,
    }
    if address.tls:
        conf["broker_use_ssl"] = {**address.certificates, "ssl_cert_reqs": ssl.CERT_REQUIRED}
    return conf


def _url(address: BrokerAddress) -> str:
    """Return what kombu reads: for sentinels an address each, with everything in it, since it takes them one after another."""
    if address.kind == "other":
        return str(address)
    scheme = "sentinel" if address.kind == "sentinel" else "rediss" if address.tls else "redis"
    login = _login(address)
    hosts = (f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in address.hosts)
    return ";".join(f"{scheme}://{login}{host}/{address.db}" for host in hosts)


def _login(address: RedisAddress) -> str:
    password = address.secret()
    return f"{quote(address.user, safe='')}:{quote(password, safe='')}@" if address.user or password else ""
