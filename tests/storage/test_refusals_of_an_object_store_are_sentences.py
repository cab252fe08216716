"""What an object store refuses becomes a sentence that says whose turn it is, and repeats nothing of its answer."""

import pytest

from exports.storage.bucket.bucket import Bucket
from exports.storage.bucket.errors import AWAY, BucketError, bucket_error, describe_refusal
from exports.storage.places import place_at
from tests.helpers.object_store import KEYS, READER, ObjectStore


@pytest.mark.parametrize(
    ("status", "code", "part"),
    [
        (503, "SlowDown", "Nobody needs to act"),
        (400, "ExpiredToken", "have expired. The portal's operators must give new ones"),
        (301, "PermanentRedirect", "operators must correct the region"),
        (400, "AuthorizationHeaderMalformed", "another region"),
        (404, "NoSuchBucket", "operators must create it"),
        (403, "RequestTimeTooSkewed", "operators must set the portal's clock"),
        (403, "InvalidAccessKeyId", "operators must correct AWS_ACCESS_KEY_ID"),
        (403, "AccessDenied", "operators must grant"),
        (507, "XMinioStorageFull", "operators must make room"),
        (500, "InternalError", "It is tried again"),
        (403, "", "operators must run doctor"),
        (200, "", "It is tried again"),
    ],
)
def test_each_refusal_says_whose_turn_it_is(status: int, code: str, part: str) -> None:
    body = f"<Error><Code>{code}</Code><Message>secret host</Message></Error>" if code else ""
    error = bucket_error(body, status=status)
    assert isinstance(error, BucketError)
    assert part in describe_refusal(error)
    assert "secret" not in str(error)


def test_what_is_not_there_is_no_refusal() -> None:
    assert isinstance(bucket_error("status code: 404 Not Found: "), FileNotFoundError)
    assert isinstance(bucket_error("<Code>NoSuchKey</Code>"), FileNotFoundError)


@pytest.mark.slow(seconds=5)
@pytest.mark.parametrize(
    ("variables", "part"),
    [
        ({"AWS_ACCESS_KEY_ID": "nobody"}, "does not know the portal's keys"),
        ({"AWS_SECRET_ACCESS_KEY": "another-secret"}, "does not know the portal's keys"),
        ({"AWS_ACCESS_KEY_ID": READER.id, "AWS_SECRET_ACCESS_KEY": READER.secret}, "must grant them"),
        ({"AWS_ACCESS_KEY_ID": ""}, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
    ],
)
def test_a_real_store_refuses_wrong_keys(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], part: str
) -> None:
    assert bucket.problem() == ""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert part in bucket.problem()


def test_a_store_that_is_away_or_lacks_the_bucket_is_named(store: ObjectStore, bucket: Bucket) -> None:
    elsewhere = bucket.identity.replace(bucket.address.bucket, "no-such-bucket")
    assert "does not exist" in place_at(elsewhere).problem()
    nowhere = bucket.identity.replace(store.origin, "http://127.0.0.1:9")
    assert place_at(nowhere).problem() == AWAY


def test_only_the_portals_own_settings_say_where_the_store_is(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    assert bucket.problem() == ""


def test_no_error_carries_a_key(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "changed-secret")
    with pytest.raises(BucketError) as caught:
        bucket.objects.put("files/1/1/x", b"x")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert KEYS.id not in repr(caught.value)
