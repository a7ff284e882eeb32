"""SALTERN_PAYLOADS: what it takes, and what it says to everything else."""

import pytest

from saltern_runtime.settings import Settings, SettingsError
from saltern_runtime.spec.places import PayloadPlace, PlaceError


@pytest.mark.parametrize(
    ("text", "kind", "where"),
    [
        ("", "redis", ("", "", "")),
        (" redis ", "redis", ("", "", "")),
        ("file:///var/lib/saltern/payloads", "file", ("/var/lib/saltern/payloads", "", "")),
        ("file:///with%20space//twice/", "file", ("/with space/twice", "", "")),
        ("file://localhost/a", "file", ("/a", "", "")),
        ("s3://bucket", "s3", ("", "bucket", "")),
        ("s3://my.bucket-1/pre/fix/", "s3", ("", "my.bucket-1", "pre/fix")),
    ],
)
def test_places(text, kind, where):
    """Each place is read into what its store needs."""
    place = Settings.from_env({"SALTERN_PAYLOADS": text}).payloads
    assert (place.kind, (place.folder, place.bucket, place.prefix)) == (kind, where)
    assert place == text.strip()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("gs://bucket", "file:///a/folder or s3://BUCKET/PREFIX"),
        ("/var/lib/payloads", "file:///a/folder"),
        ("Redis", "leave it empty"),
        ("http://[", "no URL"),
        ("file://var/lib", "three slashes"),
        ("file:relative", "from the root"),
        ("file:///", "from the root"),
        ("file:///a/../b", "without `.` and `..`"),
        ("file:///a%2f..%2fb", "without `.` and `..`"),
        ("file:///a?x=1", "nothing may stand behind the path"),
        ("s3://", "a bucket's name has to stand"),
        ("s3:///prefix", "a bucket's name has to stand"),
        ("s3://b/x", "a bucket's name has to stand"),
        ("s3://bucket/../other", "a prefix is made of"),
        ("s3://bucket/a//b", "a prefix is made of"),
        ("s3://bucket/a b", "a prefix is made of"),
        ("s3://AKIAKEY:geheim@bucket/x", "AWS_ACCESS_KEY_ID"),
        ("s3://minio:9000/bucket", "AWS_ENDPOINT_URL"),
    ],
)
def test_what_is_no_place(text, says):
    """What cannot be a place is refused with what to write, and never repeated: there may be a key in it."""
    with pytest.raises(PlaceError):
        PayloadPlace(text)
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"SALTERN_PAYLOADS": text, "SALTERN_SHARDS": "many"})
    assert says in str(caught.value)
    assert "SALTERN_PAYLOADS: " in str(caught.value)
    assert "SALTERN_SHARDS='many' is no whole number" in str(caught.value)
    assert "geheim" not in str(caught.value)
