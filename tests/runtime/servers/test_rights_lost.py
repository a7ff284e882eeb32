"""Rights that are taken from the store's user while a service runs."""

import pytest

from saltern_runtime.engine.one_process import InOneProcess
from saltern_runtime.settings import Settings
from saltern_runtime.store.rights import STORE, keys_of
from saltern_runtime.store.store import StoreUnfitError
from saltern_runtime.web.problems import respond
from tests.runtime.engine.conftest import make_graph
from tests.runtime.engine.test_service import ECHO
from tests.support.redis import limited


def test_a_service_whose_rights_are_lost_is_not_ready(own_redis):
    """It says so to whoever asks whether it is ready, names the right in its log alone, and is ready once it is there again."""
    url = limited(own_redis, "store", STORE, keys_of("desk"))
    process = InOneProcess(
        make_graph("desk", ECHO), Settings(redis_url=url, socket_timeout=5.0, broker_url="memory://")
    )
    service = process.service
    service.prepare()
    service.ping()
    with own_redis.client() as client:
        for name in ("hset", "ping"):
            client.execute_command("ACL SETUSER", "store", f"-{name}")
            with pytest.raises(
                StoreUnfitError, match=f"may not run {name.upper()}: ACL SETUSER store [+]{name}$"
            ) as caught:
                service.ping()
            answer = respond(caught.value)
            assert answer.status_code == 503
            assert b"the store cannot be used as it is set up; the log says what to change" in answer.body
            client.execute_command("ACL SETUSER", "store", f"+{name}")
            service.ping()
    service.close()
