"""Signed links are those of Amazon's manual, and the store checks them."""

from datetime import UTC, datetime

from exports.storage.bucket.access_keys import AccessKeys
from exports.storage.bucket.signing import object_url, signed_url


def test_the_signature_is_that_of_the_manual() -> None:
    """The example of "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)"."""
    keys = AccessKeys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    url = signed_url(
        "GET",
        "https://examplebucket.s3.amazonaws.com/test.txt",
        {},
        keys,
        region="us-east-1",
        seconds=86400,
        now=datetime(2013, 5, 24, tzinfo=UTC),
    )
    assert url.endswith("&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")


def test_keys_show_in_no_representation() -> None:
    assert repr(AccessKeys("an-id", "a-secret", "a-token")) == "AccessKeys()"


def test_names_with_other_letters_are_quoted_once() -> None:
    assert object_url("https://host/bucket", "kept/ä b.zip") == "https://host/bucket/kept/%C3%A4%20b.zip"
