"""Bytes that are not those of their host's own checksum are fetched once more; what stays so is kept, and said."""

import base64
import gzip
import hashlib
from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from exports import states
from exports.storage import files
from tests.helpers.cast import Cast
from tests.helpers.raw_server import RawServer, run_raw_server, sized
from tests.helpers.time_travel import TimeTravel, time_travel
from tests.steps.test_pieces_are_joined_only_where_they_belong import (
    ETAG,
    KEPT,
    OTHER,
    SIZE,
    TABLE,
    fetch,
    piece,
    serve,
)

MD5 = f"Content-MD5: {base64.b64encode(hashlib.md5(TABLE, usedforsecurity=False).digest()).decode()}"
SHA256 = f"Repr-Digest: sha-256=:{base64.b64encode(hashlib.sha256(TABLE).digest()).decode()}:"


@pytest.fixture
def host(settings: Settings) -> Iterator[RawServer]:
    with run_raw_server() as server:
        settings.PRIVATE_HOSTS = (server.host,)
        yield server


@pytest.fixture
def time() -> Iterator[TimeTravel]:
    with time_travel() as moved:
        yield moved


@pytest.mark.parametrize("header", [MD5, SHA256])
def test_damaged_bytes_are_fetched_once_more(cast: Cast, host: RawServer, time: TimeTravel, header: str) -> None:
    export = fetch(cast, host, time, sized(OTHER, header), sized(TABLE, header))
    assert export.file is not None
    assert files.path_of(export.file).read_bytes() == TABLE
    assert export.file.unchecked == ""
    assert len(host.requests_to("GET /orders.csv")) == 2


def test_a_file_in_pieces_is_compared_with_what_was_said_of_the_whole(
    cast: Cast, host: RawServer, time: TimeTravel
) -> None:
    first = sized(TABLE, ETAG, MD5)[: -SIZE + KEPT]
    mixed = serve(first, lambda start: piece(start, SIZE, SIZE, ETAG, body=OTHER))
    export = fetch(cast, host, time, mixed, mixed, sized(TABLE, ETAG, MD5))
    assert export.file is not None
    assert files.path_of(export.file).read_bytes() == TABLE


def test_a_checksum_that_never_agrees_is_said(cast: Cast, host: RawServer, time: TimeTravel) -> None:
    export = fetch(cast, host, time, sized(OTHER, MD5))
    assert export.status == states.SUCCEEDED
    assert export.file is not None
    assert export.file.unchecked == "Its host's own checksum (Content-MD5) is that of other bytes."


def test_the_checksum_of_packed_bytes_is_not_compared(cast: Cast, host: RawServer, time: TimeTravel) -> None:
    export = fetch(cast, host, time, sized(gzip.compress(TABLE), "Content-Encoding: gzip", MD5.replace("5: ", "5: A")))
    assert export.file is not None
    assert export.file.unchecked == ""
