"""Payloads in a folder or in S3, through one library (obstore).

A payload is one object or several of at most `PART` bytes, each written at once, so that memory is flat, nothing half-written
can be read, and what a killed writer leaves are objects like others. (A multipart upload would leave parts that no listing shows.)
Until when one is kept, its path says: `<service>/<day>/<owner>/<name>`, where the day, of UTC, is the first on which it may be
removed. A reference is the path from the day on, with `*<parts>` behind it where there are several.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from saltern_runtime.files import CHUNK
from saltern_runtime.spec.places import PayloadPlace
from saltern_runtime.store.failures import PayloadsUnfitError, PayloadsUnreachableError
from saltern_runtime.store.keys import digest_of, new_nonce
from saltern_runtime.store.payloads import PayloadGoneError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

PART: Final = 8 << 20
"""Bytes of one object, at most."""
BATCH: Final = 1000
"""Objects that are listed and deleted at a time; S3 takes no more."""
MOST: Final = 10 * BATCH
"""Objects that one sweep removes, at most."""
SKEW: Final = 3600.0
"""Seconds by which the clock of a writer may be behind that of a sweeper."""
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")
_REFERENCE: Final = re.compile(
    r"(\d{4}-\d\d-\d\d/[A-Za-z0-9_-][A-Za-z0-9_.-]*/[A-Za-z0-9_-][A-Za-z0-9_.-]*)(?:\*(\d{1,7}))?"
)
_STATUS: Final = re.compile(r"non-2xx status code: (\d{3})")
_CODE: Final = re.compile(r"<Code>([A-Za-z0-9]{1,60})</Code>")
_OS_ERROR: Final = re.compile(r"\(os error (\d+)\)")
_FORBIDDEN: Final = frozenset({1, 13, 20, 27, 30})
"""EPERM, EACCES, ENOTDIR, EFBIG, EROFS: nothing of these passes by itself, as a full disk may."""
_GIVING_KEYS: Final = ("/latest/api/token", "/latest/meta-data", "169.254.170.", "token file", "sts.")
"""What errors name that come from where clouds give out keys."""
_first_user = 0
"""The process that the library's threads belong to; they do not come along over a fork, and calls would never return."""


class ObjectPayloads:
    """Keeps payloads as objects; opens the store when first used."""

    def __init__(self, place: PayloadPlace, service: str, *, clock: Callable[[], float] = time.time) -> None:
        """`place` is a folder or a bucket; `clock` gives Unix seconds."""
        self._place, self._clock = place, clock
        self._service = _segment(service)
        self._store: ObjectStore | None = None

    def write(self, owner: str, name: str, chunks: Iterable[bytes], keep: float) -> str:
        """See PayloadStore."""
        path = f"{self._day(keep)}/{_segment(owner)}/{_segment(name)}"
        count = 0
        try:
            for part in _parts(chunks):
                self._put(_part(path, count), part)
                count += 1
        except BaseException:
            with contextlib.suppress(PayloadsUnreachableError, PayloadsUnfitError):  # what is left goes with its day
                self._delete(path, count)
            raise
        return path if count == 1 else f"{path}*{count}"

    def read(self, reference: str) -> Iterator[bytes]:
        """See PayloadStore; at most CHUNK bytes at a time."""
        path, count = _read(reference)
        for part in range(count):
            content = memoryview(self._get(_part(path, part)))
            for first in range(0, len(content), CHUNK):
                yield bytes(content[first : first + CHUNK])

    def hold(self, reference: str, keep: float) -> str:
        """See PayloadStore: copied to a later day, where the store is."""
        import obstore

        path, count = _read(reference)
        day, _, rest = path.partition("/")
        later = self._day(keep)
        for part in range(count):
            with self._calls(gone=reference):
                if later <= day:
                    self._see(_part(path, part))
                else:
                    copy = _part(f"{later}/{rest}", part)
                    obstore.copy(self._opened(), self._at(_part(path, part)), self._at(copy))
        return reference if later <= day else later + reference.removeprefix(day)

    def drop(self, reference: str) -> None:
        """See PayloadStore."""
        with contextlib.suppress(PayloadGoneError):
            self._delete(*_read(reference))

    def sweep(self) -> bool:
        """See PayloadStore: whole days that are over, the oldest first; any number may sweep at once."""
        over = _date(self._clock() - SKEW)
        left = MOST
        for day in sorted(self._days()):
            if day > over:
                break
            left -= self._clear_folder(day, left) if self._place.kind == "file" else self._clear(day, left)
            if left <= 0:
                return True
        return False

    def check(self) -> None:
        """Write, read, list and delete something; raises PayloadsUnfitError where that cannot be done, and says what to do."""
        what = new_nonce().encode()
        reference = self.write("check", new_nonce(), [what], 0.0)
        try:
            if b"".join(self.read(reference)) != what:
                raise PayloadsUnfitError(f"{self._where} gave back other bytes than were written")
            self.hold(reference, 86_400.0)
            self._days()
        except PayloadGoneError:
            raise PayloadsUnfitError(f"{self._where} does not hold what was written to it a moment ago") from None
        finally:
            self.drop(reference)
            self.drop(self._day(86_400.0) + reference.removeprefix(self._day(0.0)))

    # Paths

    def _day(self, keep: float) -> str:
        return _date(self._clock() + keep + 86_400.0)

    def _at(self, path: str) -> str:
        return f"{self._service}/{path}"

    @property
    def _folder(self) -> Path:
        return Path(self._place.folder, self._service)

    @property
    def _where(self) -> str:
        return f"the folder {self._place.folder}" if self._place.kind == "file" else f"the bucket {self._place.bucket}"

    # Calls

    def _put(self, path: str, content: bytes) -> None:
        import obstore

        with self._calls():
            obstore.put(self._opened(), self._at(path), content, use_multipart=False)

    def _get(self, path: str) -> Any:
        import obstore

        with self._calls(gone=path):
            return obstore.get(self._opened(), self._at(path)).bytes()

    def _see(self, path: str) -> None:
        """Raise PayloadGoneError where there is nothing. A bucket that is missing, only a whole answer tells."""
        import obstore

        try:
            obstore.head(self._opened(), self._at(path))
        except FileNotFoundError:
            self._get(path)

    def _delete(self, path: str, count: int) -> None:
        import obstore

        for part in range(count):
            with contextlib.suppress(PayloadGoneError), self._calls(gone=path):
                obstore.delete(self._opened(), self._at(_part(path, part)))

    def _days(self) -> list[str]:
        import obstore

        with self._calls():
            if self._place.kind == "file":
                names = [entry.name for entry in _entries(self._folder)]
            else:
                prefixes = obstore.list_with_delimiter(self._opened(), self._service)["common_prefixes"]
                names = [prefix.rpartition("/")[2] for prefix in prefixes]
        return [name for name in names if _DAY.fullmatch(name)]

    def _clear(self, day: str, most: int) -> int:
        """Delete objects of a day; returns how many there were, about `most` of them at most."""
        import obstore

        done = 0
        with self._calls():
            for batch in obstore.list(self._opened(), self._at(day), chunk_size=BATCH):
                obstore.delete(self._opened(), [found["path"] for found in batch])
                done += len(batch)
                if done >= most:
                    break
        return done

    def _clear_folder(self, day: str, most: int) -> int:
        """Do the same with files: the library lists none that a killed writer left half-written, and no folders."""
        with self._calls():
            return _remove(self._folder / day, most)

    def _opened(self) -> ObjectStore:
        global _first_user  # noqa: PLW0603 - the library's threads belong to the process as well
        if _first_user not in {0, os.getpid()}:
            raise PayloadsUnfitError(
                "payloads were used before this process was forked, after which they cannot be: fork first, or start processes anew"
            )
        if self._store is None:
            _first_user = os.getpid()
            self._store = self._open()
        elif self._is_away:
            raise PayloadsUnreachableError(f"{self._where} is not there any more")
        return self._store

    @property
    def _is_away(self) -> bool:
        """Whether the folder is gone altogether, of which nothing may be concluded about what lies in it."""
        return self._place.kind == "file" and not Path(self._place.folder).is_dir()

    def _open(self) -> ObjectStore:
        try:
            from obstore.store import LocalStore, S3Store
        except ModuleNotFoundError:
            raise PayloadsUnfitError(
                "SALTERN_PAYLOADS names a folder or a bucket, which needs obstore: install saltern-runtime[objects]"
            ) from None
        if self._place.kind == "file":
            if self._is_away:
                raise PayloadsUnfitError(
                    f"{self._where} is not there: create it, or mount it, for every API, worker and timers process alike"
                )
            return LocalStore(self._place.folder)
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
        return S3Store(
            self._place.bucket,
            prefix=self._place.prefix or None,
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=5),
                "timeout": timedelta(seconds=60),
            },
            retry_config={
                "max_retries": 4,
                "retry_timeout": timedelta(seconds=10),
                "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=2), "base": 2},
            },
        )

    @contextlib.contextmanager
    def _calls(self, gone: str | None = None) -> Iterator[None]:
        """Turn errors of the library into ours; `gone`: the reference whose bytes may be missing."""
        try:
            yield
        except FileNotFoundError as error:
            if gone is not None and "NoSuchBucket" not in str(error):
                raise PayloadGoneError(gone) from None
            raise self._meaning(error) from error
        except ModuleNotFoundError:
            raise
        except (PayloadsUnfitError, PayloadsUnreachableError, PayloadGoneError):
            raise
        except Exception as error:
            raise self._meaning(error) from error

    def _meaning(self, error: Exception) -> Exception:
        """Say what an error means: it may pass, or someone has to do something."""
        text = str(error)
        first = text.partition("\n")[0][:300]
        if self._place.kind == "file":
            found = _OS_ERROR.search(text)
            number = error.errno if isinstance(error, OSError) and error.errno else int(found[1]) if found else 0
            if number in _FORBIDDEN or isinstance(error, PermissionError | FileNotFoundError):
                return PayloadsUnfitError(
                    f"{self._where} cannot be used: this process must be able to write there ({first})"
                )
            return PayloadsUnreachableError(f"{self._where} cannot be used: {first}")
        status, code = _STATUS.search(text), _CODE.search(text)
        said = code[1] if code else f"status {status[1]}" if status else first
        if said == "NoSuchBucket":
            return PayloadsUnfitError(f"{self._where} is not there: create it, or name another one in SALTERN_PAYLOADS")
        if any(sign in first for sign in _GIVING_KEYS):
            return NoCredentialsError(
                f"no keys for {self._where}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the process a role ({first})"
            )
        if status is None or status[1] in {"408", "429"} or status[1] >= "500":
            return PayloadsUnreachableError(f"{self._where} cannot be reached: {said}")
        if status[1] in {"401", "403"}:
            return PayloadsUnfitError(
                f"S3 refuses {self._where} ({said}): the keys must allow s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket"
            )
        return PayloadsUnfitError(f"S3 refuses {self._where} ({said}): see to AWS_REGION and AWS_ENDPOINT_URL")


class NoCredentialsError(PayloadsUnreachableError):
    """Nothing gives keys: at start a mistake, later perhaps an outage of what gives them."""


def _segment(text: str) -> str:
    """Return a text as one part of a path: itself where it is plain, its digest otherwise."""
    return text if _PLAIN.fullmatch(text) else f"digest.{digest_of(text)[:32]}"


def _date(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def _parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in parts of `PART`, the last one smaller; one at least."""
    held: list[bytes] = []
    size, count = 0, 0
    for given in chunks:
        chunk = given
        while size + len(chunk) > PART:
            held.append(chunk[: PART - size])
            chunk = chunk[PART - size :]
            whole = b"".join(held)
            held.clear()
            size, count = 0, count + 1
            yield whole
            del whole
        held.append(chunk)
        size += len(chunk)
    if size or not count:
        yield b"".join(held)


def _part(path: str, part: int) -> str:
    return f"{path}.{part}" if part else path


def _read(reference: str) -> tuple[str, int]:
    """Return the path and the number of parts; what is no reference of ours leads to nothing."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise PayloadGoneError(reference)
    return match[1], int(match[2] or 1)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except FileNotFoundError:
        return []


def _remove(folder: Path, most: int) -> int:
    """Remove files below a folder, then what is empty; returns how many, `most` of them at most. Others may do the same."""
    done = 0
    for entry in _entries(folder):
        if done >= most:
            return done
        if entry.is_dir(follow_symlinks=False):
            done += _remove(Path(entry.path), most - done)
        else:
            Path(entry.path).unlink(missing_ok=True)
            done += 1
    with contextlib.suppress(OSError):  # another sweeper was here
        if done < most:
            folder.rmdir()
            done += 1
    return done
