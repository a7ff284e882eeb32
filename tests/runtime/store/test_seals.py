"""Keys as operators write them, and what they seal: values bound to their places, files in frames."""

import base64
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from saltern_runtime.settings import Settings, SettingsError
from saltern_runtime.spec.keyring import Keyring, KeyringError
from saltern_runtime.store.failures import SealedValueError, StoreUnfitError
from saltern_runtime.store.sealing import FRAME, Seals
from tests.support.effort import tries

ONE, TWO = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
KEYS = Keyring(f"one:{ONE},two:{TWO}")
SEALS = Seals(KEYS, "orders")


def test_the_first_key_seals_and_all_open():
    """Ids, in their order, between commas or on lines of their own; none of them is shown."""
    assert [key.id for key in Keyring(f"one:{ONE}\n two:{TWO} \n")] == ["one", "two"]
    assert ONE not in repr(Settings(encryption_keys=KEYS))
    older = Seals(Keyring(f"one:{ONE}"), "orders")
    assert SEALS.opened(older.sealed(b"x", "0-run", "a"), "0-run", "a") == b"x"
    with pytest.raises(SealedValueError, match="the key 'two', which is not among SALTERN_ENCRYPTION_KEYS"):
        older.opened(Seals(Keyring(f"two:{TWO}"), "orders").sealed(b"x", "0-run", "a"), "0-run", "a")


def test_all_that_is_wrong_with_keys_is_said_at_once():
    """And no part of a key is repeated, wherever it stands."""
    short = base64.b64encode(b"s" * 16).decode()
    with pytest.raises(KeyringError) as raised:
        Keyring(f"a:{ONE},,b:{short},a:{TWO},c:@@@@,{TWO},no id:{TWO}")
    said = str(raised.value).split("; ")
    assert said == [
        "entry 2 is empty",
        "the key 'b' has 16 bytes, and needs 32: openssl rand -base64 32",
        "the key 'c' is no base64",
        "entry 6 is no ID:BASE64, with an id of at most 32 letters, digits, `-` and `_` before the colon",
        "entry 7 is no ID:BASE64, with an id of at most 32 letters, digits, `-` and `_` before the colon",
        "the id 'a' stands there twice",
    ]


def test_settings_read_keys_from_a_variable_or_a_file(tmp_path):
    """What is wrong is said beside all else that is, without the text; both at once are refused."""
    path = tmp_path / "keys"
    path.write_text(f"one:{ONE}\ntwo:{TWO}\n")
    assert Settings.from_env({"SALTERN_ENCRYPTION_KEYS_FILE": str(path)}).encryption_keys == KEYS
    assert Settings.from_env({"SALTERN_ENCRYPTION_KEYS": f"one:{ONE},two:{TWO}"}).encryption_keys == KEYS
    assert not Settings.from_env({"SALTERN_ENCRYPTION_KEYS": ""}).encryption_keys
    with pytest.raises(
        SettingsError, match=r"SALTERN_SWEEP='x' is no number; SALTERN_ENCRYPTION_KEYS: entry 1 is no ID:BASE64"
    ) as raised:
        Settings.from_env({"SALTERN_SWEEP": "x", "SALTERN_ENCRYPTION_KEYS": ONE})
    assert ONE not in str(raised.value)
    with pytest.raises(SettingsError, match="both set"):
        Settings.from_env({"SALTERN_ENCRYPTION_KEYS": ONE, "SALTERN_ENCRYPTION_KEYS_FILE": str(path)})
    with pytest.raises(SettingsError, match="SALTERN_ENCRYPTION_KEYS_FILE cannot be read: FileNotFoundError"):
        Settings.from_env({"SALTERN_ENCRYPTION_KEYS_FILE": str(tmp_path / "none")})
    path.write_text("\n")
    with pytest.raises(SettingsError, match="SALTERN_ENCRYPTION_KEYS_FILE names a file without keys"):
        Settings.from_env({"SALTERN_ENCRYPTION_KEYS_FILE": str(path)})


def test_without_the_library(monkeypatch):
    """Where the extra is not installed, a start says which one to install; without keys nothing needs it."""
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    Seals(Keyring(), "orders").check()
    with pytest.raises(StoreUnfitError, match=r"install saltern-runtime\[sealing\]"):
        Seals(KEYS, "orders").check()


def test_without_keys_the_library_is_not_imported():
    """A worker, timers and an API that have no keys do not take the time, or need the wheel."""
    code = (
        "import sys; sys.modules['cryptography'] = None\n"
        "import saltern_runtime.engine.celery, saltern_runtime.timers, saltern_runtime.web\n"
        "from saltern_runtime.store.sealing import Seals; from saltern_runtime.spec.keyring import Keyring\n"
        "seals = Seals(Keyring(), 'orders'); seals.check(); print(seals.opened_text('1', 'r', 'p'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("1\n", 0), done.stderr


@how(max_examples=tries(15, 100), deadline=None)
@given(text=st.text(), place=st.text(max_size=9))
def test_what_was_sealed_opens_in_its_place_alone(text, place):
    """As bytes and as text; in another service, run or place it does not, nor where any byte of it is another."""
    raw = SEALS.sealed(text.encode(), "0-run", place)
    written = SEALS.text(raw)
    assert SEALS.opened(raw, "0-run", "other", place).decode() == SEALS.opened_text(written, "0-run", place) == text
    for seals, owner, where in (
        (SEALS, "0-run", f"{place}!"),
        (SEALS, "0-another", place),
        (Seals(KEYS, "another"), "0-run", place),
    ):
        with pytest.raises(SealedValueError):
            seals.opened(raw, owner, where)
    for changed in (raw[:-1], raw[:9], raw[:-1] + bytes([raw[-1] ^ 1]), b"~2" + raw[2:], b"~"):
        with pytest.raises(SealedValueError):
            SEALS.opened(changed, "0-run", place)
    with pytest.raises(SealedValueError, match="cut off"):
        SEALS.opened_text(written[:-1] + "!", "0-run", place)


def test_what_was_kept_before_is_read():
    """JSON text is no sealed value, whatever stands in it; a place without keys says which one it lacks."""
    assert SEALS.opened_text('"~1one.abc"', "0-run", "") == '"~1one.abc"'
    with pytest.raises(SealedValueError, match="'one'"):
        Seals(Keyring(), "orders").opened(SEALS.sealed(b"x", "0-run", ""), "0-run", "")


@pytest.mark.parametrize("size", [0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME])
def test_files_are_sealed_in_frames(size):
    """Whatever the pieces they come in; one that was cut off at a frame, or has frames in another order, does not open."""
    content = os.urandom(size)
    sealed = b"".join(SEALS.sealed_file([content[:10], content[10:]], "f"))
    for step in (len(sealed), 1000, 7 if size < FRAME else FRAME):
        pieces = [sealed[at : at + step] for at in range(0, len(sealed), step)]
        assert b"".join(SEALS.opened_file(pieces, "f")) == content
    head, frame = len(b"~1one."), FRAME + 16
    wrong = [sealed[:-1], sealed[:head], b"", sealed + b"x", content or b"no mark"]
    if size > FRAME:
        wrong += [sealed[: head + frame], sealed[:head] + sealed[head + frame :]]
    for pieces in wrong:
        with pytest.raises(SealedValueError):
            b"".join(SEALS.opened_file([pieces], "f"))
    with pytest.raises(SealedValueError):
        b"".join(SEALS.opened_file([sealed], "g"))


def test_parts_of_an_object():
    """What is hidden is one sealed text; where it cannot be opened a mark stands there, and it is handed on as it is."""
    text = SEALS.hidden('{"code":"x","message":"a secret"}', "0-run", "message")
    assert "secret" not in text
    assert SEALS.shown_text(text, "0-run") == '{"code":"x","message":"a secret"}'
    blind = Seals(Keyring(f"three:{TWO}"), "orders")
    assert blind.shown_event({"failure": {"message": "plain"}}, "0-run") == {"failure": {"message": "plain"}}
    assert '"message":"[sealed]"' in blind.shown_text(text, "0-run")
    assert blind.hidden(blind.shown_text(text, "0-run"), "0-run", "message") == text


@how(max_examples=tries(10, 100), deadline=None)
@given(text=st.text(max_size=20))
def test_digests_say_nothing_without_the_key(text):
    """The first is that of the first key; a later keyring knows the earlier ones, and the plain one."""
    first, plain = Seals(Keyring(f"one:{ONE}"), "orders").digests(text, "sha").split(" ")
    assert plain == "sha"
    later = Seals(Keyring(f"two:{TWO},one:{ONE}"), "orders").digests(text, "sha").split(" ")
    assert (later[1:], later[0].partition(":")[0]) == ([first, "sha"], "two")
    assert Seals(Keyring(), "orders").digests(text, "sha") == "sha"
