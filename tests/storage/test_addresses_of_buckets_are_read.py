"""STORAGE_URL is read as written in the manual, and what is wrong with it never repeats it."""

import pytest

from exports.storage.bucket.address import parse_address


def test_an_address_is_read_whole() -> None:
    address = parse_address("s3://bucket/some/prefix/?endpoint_url=http://127.0.0.1:9000&region=eu-1&redirect=no")
    assert (address.bucket, address.prefix, address.region) == ("bucket", "some/prefix", "eu-1")
    assert address.base_url == "http://127.0.0.1:9000/bucket"
    assert address.key("files/1") == "some/prefix/files/1"
    assert address.name("some/prefix/files/1") == "files/1"
    assert not address.may_redirect
    assert parse_address(address.text) == address


def test_amazons_own_needs_no_endpoint() -> None:
    assert parse_address("s3://bucket", "eu-west-1").base_url == "https://bucket.s3.eu-west-1.amazonaws.com"
    assert parse_address("s3://my.bucket").base_url == "https://s3.us-east-1.amazonaws.com/my.bucket"


def test_how_a_store_is_reached_does_not_change_whose_files_they_are() -> None:
    one, other = parse_address("s3://b-1/p?redirect=no&addressing=path"), parse_address("s3://b-1/p")
    assert one.identity == other.identity


@pytest.mark.parametrize(
    "text",
    [
        "s3://AKIASECRET:s3cret@bucket/prefix",
        "s3://bucket?access_key_id=AKIASECRET",
        "s3://bucket?endpoint_url=https://AKIASECRET:x@host",
        "s3://bucket?endpoint_url=ftp://AKIASECRET",
        "s3://bucket/../AKIASECRET",
        "s3://bucket?region=eu-1&region=AKIASECRET",
        "https://AKIASECRET/bucket",
        "s3:///AKIASECRET",
        "AKIASECRET",
    ],
)
def test_a_wrong_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="no ") as caught:
        parse_address(text)
    assert "SECRET" not in str(caught.value)
