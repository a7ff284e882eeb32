"""A real Redis Cluster on loopback: three primaries, each with a replica if asked; slots can be moved, primaries killed."""

from pathlib import Path

import pytest
import redis
from redis.crc import key_slot

from tests.support.redis import RedisServer, free_port
from tests.support.until import until

SLOTS = 16_384


class Cluster:
    """Three primaries with a third of the slots each."""

    def __init__(self, folder: Path, *, replicas: bool = False) -> None:
        self.nodes = [_node(folder / str(index)) for index in range(6 if replicas else 3)]

    @property
    def url(self) -> str:
        return f"redis+cluster://{','.join(f'127.0.0.1:{node.port}' for node in self.nodes[:3])}"

    def start(self) -> None:
        """Start all, and wait until each knows that the cluster is whole."""
        for index, node in enumerate(self.nodes):
            node.start()
            with node.client() as client:
                client.execute_command("CLUSTER SET-CONFIG-EPOCH", index + 1)
                if index < 3:
                    client.execute_command("CLUSTER ADDSLOTSRANGE", _first(index), _first(index + 1) - 1)
                if index:
                    client.execute_command("CLUSTER MEET", "127.0.0.1", self.nodes[0].port, self.nodes[0].bus)
        until(lambda: all(self._knows(node) == len(self.nodes) for node in self.nodes), 30)
        for index, node in enumerate(self.nodes[3:]):
            with node.client() as client:
                client.execute_command("CLUSTER REPLICATE", self.id_of(self.nodes[index]))
        until(lambda: all(self._is_whole(node) for node in self.nodes), 30)

    def _knows(self, node):
        with node.client() as client:
            return int(client.execute_command("CLUSTER INFO")["cluster_known_nodes"])

    def _is_whole(self, node):
        with node.client() as client:
            info = client.execute_command("CLUSTER INFO")
            links = client.info("replication")
        follows = self.nodes.index(node) < 3 or (links["role"] == "slave" and links["master_link_status"] == "up")
        return info["cluster_state"] == "ok" and int(info["cluster_slots_ok"]) == SLOTS and follows

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def client(self) -> redis.Redis:
        """Return a client of the node that holds the first shard of every service, answering text."""
        return self.holder("{0}").client()

    def holder(self, key: str) -> RedisServer:
        """Return the node that holds a key, as all that are alive say."""
        slot = key_slot(key.encode())

        def agreed():
            ports = set()
            for node in self.nodes:
                if node.process.poll() is None:
                    with node.client() as client:
                        slots = client.execute_command("CLUSTER SLOTS")
                    ports |= {primary[1] for first, last, primary, *_ in slots if first <= slot <= last}
            return ports if len(ports) == 1 else None

        (port,) = until(agreed)
        return next(node for node in self.nodes if node.port == port)

    def id_of(self, node: RedisServer) -> str:
        with node.client() as client:
            return str(client.execute_command("CLUSTER MYID"))

    def begin_move(self, key: str) -> tuple[RedisServer, RedisServer]:
        """Let the slot of a key be on its way, with all of its keys still where they were; returns from where to where."""
        source, slot = self.holder(key), key_slot(key.encode())
        target = next(node for node in self.nodes[:3] if node is not source)
        with source.client() as giving, target.client() as taking:
            taking.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", self.id_of(source))
            giving.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", self.id_of(target))
        return source, target

    def move_keys(self, key: str, source: RedisServer, target: RedisServer, most: int = 10_000) -> int:
        """Move some of the slot's keys; returns how many there were."""
        with source.client() as client:
            keys = client.execute_command("CLUSTER GETKEYSINSLOT", key_slot(key.encode()), most)
            if keys:
                client.execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
        return len(keys)

    def end_move(self, key: str, source: RedisServer, target: RedisServer) -> None:
        """Move what is left, and tell all."""
        while self.move_keys(key, source, target):
            pass
        others = [node for node in self.nodes[:3] if node not in (source, target)]
        for node in (target, source, *others):
            with node.client() as client:
                client.execute_command("CLUSTER SETSLOT", key_slot(key.encode()), "NODE", self.id_of(target))

    def move(self, key: str) -> None:
        """Move a key's slot to another node, key by key."""
        self.end_move(key, *self.begin_move(key))

    def knows_moves_at_once(self) -> bool:
        with self.client() as client:
            return bool(client.execute_command("COMMAND INFO", "cluster|migrateslots")[0])

    def move_at_once(self, key: str) -> None:
        """Move a key's slot to another node with all of its keys in one moment, as Valkey 9 can."""
        source, slot = self.holder(key), key_slot(key.encode())
        target = next(node for node in self.nodes[:3] if node is not source)
        with source.client() as client:
            client.execute_command("CLUSTER MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", self.id_of(target))
        until(lambda: self.holder(key) is target)


def _first(index: int) -> int:
    return index * SLOTS // 3


def _node(folder: Path) -> RedisServer:
    folder.mkdir()
    bus = free_port()
    node = RedisServer(
        folder, "--cluster-enabled", "yes", "--cluster-port", str(bus), "--cluster-node-timeout", "1500",
        "--cluster-replica-validity-factor", "0",
    )  # fmt: skip
    node.bus = bus
    return node


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """Start a cluster of three primaries for the whole session."""
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    made.start()
    yield made
    made.stop()
