"""TLS on loopback: an authority made in the test, and a server behind it.

The server of SALTERN_TEST_REDIS_SERVER speaks TLS itself (Debian's is built so). The one out of the wheel is not built with it: a proxy
that ends TLS stands before it.
"""

import contextlib
import datetime as dt
import ipaddress
import os
import socket
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.redis import RedisServer, free_port


class Authority:
    """Signs certificates; everything lies in a folder, as PEM."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name, self._key = folder, name, ec.generate_private_key(ec.SECP256R1())
        self.ca = self._write(name, self._certificate(name, self._key.public_key(), None), None)

    def issue(self, name: str, *hosts: str) -> tuple[Path, Path]:
        """Return a certificate for these hosts or addresses, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._write(name, self._certificate(name, key.public_key(), hosts), None)
        return certificate, self._write(f"{name}.key", None, key)

    def _certificate(self, name, public, hosts):
        now = dt.datetime.now(dt.UTC)
        named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        made = x509.CertificateBuilder().subject_name(named).issuer_name(issuer).public_key(public)
        made = made.serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(hours=1))
        made = made.not_valid_after(now + dt.timedelta(hours=1))
        made = made.add_extension(x509.BasicConstraints(ca=hosts is None, path_length=None), critical=True)
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        made = made.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
        )
        if hosts:
            made = made.add_extension(x509.SubjectAlternativeName([_name_of(host) for host in hosts]), critical=False)
        return made.sign(self._key, hashes.SHA256())

    def _write(self, name, certificate, key):
        path = self.folder / f"{name}.pem"
        if certificate is not None:
            path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        else:
            plain = serialization.NoEncryption()
            path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
        return path


def _name_of(host):
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


class Secured:
    """A server that asks whoever comes for a certificate of the authority; `server` is its way without TLS, for the test."""

    def __init__(self, folder: Path, authority: Authority, *hosts: str, more: tuple[str, ...] = ()) -> None:
        self.authority, self.port = authority, free_port()
        certificate, key = authority.issue("server", *hosts)
        self._proxy = None
        options = (
            "--tls-port", str(self.port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key),
            "--tls-ca-cert-file", str(authority.ca), "--tls-auth-clients", "yes",
        )  # fmt: skip
        is_able = bool(os.environ.get("SALTERN_TEST_REDIS_SERVER"))
        self.server = RedisServer(folder, *more, *(options if is_able else ()))
        if not is_able:
            self._proxy = Proxy(self.port, self.server.port, certificate, key, authority.ca)

    def start(self) -> None:
        self.server.start()
        if self._proxy is not None:
            self._proxy.start()

    def stop(self) -> None:
        if self._proxy is not None:
            self._proxy.stop()
        self.server.stop()


_HANDSHAKE = b"\x16"
"""What TLS begins with."""


class Proxy:
    """Ends TLS, and carries bytes to and fro; with `plain` it takes those as well who speak none, as sentinels that were built so."""

    def __init__(self, port: int, behind: int, certificate: Path, key: Path, ca: Path, *, plain: bool = False) -> None:
        self._behind, self._plain = behind, plain
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._context.load_verify_locations(ca)
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._socket = socket.create_server(("127.0.0.1", port))

    def start(self) -> None:
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self._socket.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                raw, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw):
        with (
            contextlib.suppress(OSError),
            raw,
            socket.create_connection(("127.0.0.1", self._behind)) as behind,
            raw
            if self._plain and raw.recv(1, socket.MSG_PEEK) != _HANDSHAKE
            else self._context.wrap_socket(raw, server_side=True) as front,
        ):
            back = threading.Thread(target=_pump, args=(behind, front), daemon=True)
            back.start()
            _pump(front, behind)
            back.join()


def _pump(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """Make an authority for the whole session."""
    return Authority(tmp_path_factory.mktemp("authority"), "ca")


@pytest.fixture(scope="session")
def secured(tmp_path_factory, authority):
    """Start a server for `localhost`, for the whole session, that asks for certificates."""
    made = Secured(tmp_path_factory.mktemp("secured"), authority, "localhost")
    made.start()
    yield made
    made.stop()
