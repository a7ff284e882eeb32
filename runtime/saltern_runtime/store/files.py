"""The files of one service: which there are (in Redis), and their bytes (in the payload store).

What a tenant has stored is known by the digest of its bytes; no tenant can name another one's.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from redis.exceptions import WatchError

from saltern_runtime.errors import PermanentError, TransientError
from saltern_runtime.files import File, Place, gathered, placed
from saltern_runtime.store.failures import PayloadsUnreachableError, SealedValueError
from saltern_runtime.store.keys import digest_of, new_nonce
from saltern_runtime.store.payloads import PayloadGoneError

if TYPE_CHECKING:
    from saltern_runtime.store.link import Link

MARGIN = 3600.0
"""Seconds by which bytes outlive what is known of them, so that whoever has just found them can read them."""

_FILES = "files of "
"""Begins the owner of what is known of a tenant's files: seals know it from a run's."""
SPARE = 300.0
"""Seconds for which files are held beyond what needs them, since they are held before it is made."""


@dataclass(frozen=True, slots=True)
class Held:
    """What is known of a file, and where its bytes are."""

    file: File
    reference: str
    sealed: str = ""
    """By which name its bytes are sealed; empty where they are not."""


class FileTooLargeError(ValueError):
    """More bytes than a file may have."""


class Shelf:
    """Puts files away and finds them."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def put(self, tenant: str, chunks: Iterable[bytes], *, name: str, media_type: str, keep: float) -> File:
        """Store bytes as they come, for `keep` seconds at least; raises FileTooLargeError over `max_file` bytes."""
        digest, counted = hashlib.sha256(), [0]
        owner = self._owner(tenant, name)
        limit = self._link.settings.max_file

        def through() -> Iterator[bytes]:
            for chunk in chunks:
                counted[0] += len(chunk)
                if counted[0] > limit:
                    raise FileTooLargeError(f"a file may have {limit} bytes at most")
                digest.update(chunk)
                yield chunk

        sealed = secrets.token_hex(16) if self._link.seals else ""
        given = self._link.seals.sealed_file(through(), sealed) if sealed else through()
        reference = self._link.payloads.write(owner, new_nonce(), gathered(given), keep + MARGIN)
        file = File(name=name, media_type=media_type, size=counted[0], sha256=digest.hexdigest())
        known = self.find(tenant, file.sha256)
        is_there = known is not None and self._extend(tenant, known, keep)
        if is_there or self._note(tenant, Held(file, reference, sealed), keep, lost=known) != reference:
            self._link.payloads.drop(reference)
        return file

    def find(self, tenant: str, sha256: str) -> Held | None:
        """Return what is known of the file with these bytes; None where this tenant has none, or no longer."""
        key = self._key(tenant, sha256)
        text: Any = self._link.patiently(lambda: self._link.at(key).get(key))
        return None if text is None else self._read(tenant, sha256, text)

    def chunks(self, tenant: str, sha256: str) -> Iterator[bytes]:
        """Yield the bytes; raises PayloadGoneError."""
        held = self.find(tenant, sha256)
        if held is None:
            raise PayloadGoneError(sha256)
        kept = self._link.payloads.read(held.reference)
        yield from self._link.seals.opened_file(kept, held.sealed) if held.sealed else kept

    def hold(self, tenant: str, file: File, keep: float) -> bool:
        """Keep a file for `keep` seconds from now at least; False where this tenant has none with these bytes and of this size."""
        held = self.find(tenant, file.sha256)
        if held is None or held.file.size != file.size:
            return False
        return self._extend(tenant, held, keep)

    def _extend(self, tenant: str, held: Held, keep: float) -> bool:
        """Keep what is known for `keep` seconds from now at least; False where its bytes are gone, whatever is known of them."""
        key = self._key(tenant, held.file.sha256)
        left: Any = self._link.patiently(lambda: self._link.at(key).pttl(key))
        try:
            reference = self._link.payloads.hold(held.reference, max(keep, left / 1000) + MARGIN)
        except PayloadGoneError:
            return False
        if left < keep * 1000 or reference != held.reference:
            self._note(tenant, replace(held, reference=reference), max(keep, left / 1000))
        return True

    def secure(self, tenant: str, files: Iterable[tuple[Place, File]], keep: float) -> list[Place]:
        """Have all files kept for `keep` seconds from now at least: store what came along, hold the others.

        Returns the places of those that this tenant has not; then nothing was stored. Raises FileTooLargeError.
        """
        waits = list(files)
        carried = {file.sha256: file for _, file in waits if file.content is not None}
        named = {(file.sha256, file.size): file for _, file in waits}  # what is named often is looked for once
        lost = {which for which, file in named.items() if not self.hold(tenant, file, keep)}
        missing = [at for at, file in waits if (file.sha256, file.size) in lost and file.sha256 not in carried]
        if not missing:
            for file in carried.values():
                if (file.sha256, file.size) in lost:
                    self.put(tenant, (file.content or b"",), name=file.name, media_type=file.media_type, keep=keep)
        return missing

    def _note(self, tenant: str, held: Held, keep: float, lost: Held | None = None) -> str:
        """Say where a file's bytes are, unless they are kept for longer elsewhere than at `lost`; returns where they are."""
        key, lasts = self._key(tenant, held.file.sha256), max(1, int(keep * 1000))
        text = self._written(tenant, held)
        refused = (held.reference, lost.reference if lost is not None else "")

        def once() -> str:
            with self._link.at(key).pipeline() as pipe:
                while True:
                    try:
                        pipe.watch(key)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
                        known: Any = pipe.get(key)
                        there = None if known is None else self._read(tenant, held.file.sha256, known).reference
                        if there is not None and there not in refused and pipe.pttl(key) >= lasts:
                            return there
                        pipe.multi()
                        pipe.set(key, text, px=lasts)
                        pipe.execute()
                    except WatchError:
                        continue
                    return held.reference

        return self._link.patiently(once)

    def _written(self, tenant: str, held: Held) -> str:
        """Write what is known of a file, sealed for its tenant where there are keys."""
        known = [held.reference, held.file.to_json(), *([held.sealed] if held.sealed else [])]
        text = json.dumps(known, ensure_ascii=False, separators=(",", ":"))
        seals = self._link.seals
        return seals.text(seals.sealed(text.encode(), _FILES + tenant, held.file.sha256)) if seals else text

    def _read(self, tenant: str, sha256: str, text: str) -> Held:
        reference, file, *sealed = json.loads(self._link.seals.opened_text(text, _FILES + tenant, sha256))
        return Held(File(**file), reference, *sealed)

    def _key(self, tenant: str, sha256: str) -> str:
        return f"{self._link.keys.shard(int(sha256[:8], 16) % self._link.settings.shards)}file:{digest_of(tenant, sha256)[:32]}"

    def _owner(self, tenant: str, name: str) -> str:
        digest = digest_of(tenant, name)
        return (
            f"{int(digest[:8], 16) % self._link.settings.shards}-{digest[:24]}"  # as a run's id, which names the shard
        )


class RunFiles:
    """The files of one run's tenant, as a node has them (see saltern_runtime.files.Files)."""

    def __init__(self, shelf: Shelf, tenant: str, keep: float) -> None:
        self._shelf, self._tenant, self._keep = shelf, tenant, keep

    def chunks(self, file: File) -> Iterator[bytes]:
        """See Files."""
        if file.content is not None:
            yield file.content
            return
        try:
            with _as_of_a_node():
                yield from self._shelf.chunks(self._tenant, file.sha256)
        except PayloadGoneError:
            raise _gone(file) from None

    def secure(self, value: object) -> None:
        """See Files."""
        found = dict(placed(value))
        with _as_of_a_node():
            missing = self._shelf.secure(self._tenant, found.items(), self._keep)
        if missing:
            raise _gone(found[missing[0]])

    def keep(self, chunks: Iterable[bytes], *, name: str, media_type: str) -> File:
        """See Files."""
        with _as_of_a_node():
            return self._shelf.put(self._tenant, chunks, name=name, media_type=media_type, keep=self._keep)


@contextlib.contextmanager
def _as_of_a_node() -> Iterator[None]:
    """Raise what the store raises as errors of a node."""
    try:
        yield
    except FileTooLargeError as error:
        raise PermanentError(str(error), code="file-too-large") from None
    except PayloadsUnreachableError as error:
        raise TransientError(str(error), code="payloads-unreachable") from error
    except SealedValueError as error:
        raise TransientError(str(error), code="value-sealed") from error


def _gone(file: File) -> PermanentError:
    return PermanentError(f"the bytes of {file.name!r} are not there, or no longer", code="file-gone")
