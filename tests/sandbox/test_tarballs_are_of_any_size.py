"""Gzipped tar archives: readable by the standard library, of the wanted size, and made at once whatever the size."""

import gzip
import io
import tarfile

import pytest

from exports.sandbox.tarballs import build_tar_gz, build_tar_gz_of

MEMBERS = [("schema.json", b"{}"), ("repositories/a.git/HEAD", b"x" * 200_000)]


def test_the_members_are_read_back() -> None:
    with tarfile.open(fileobj=io.BytesIO(build_tar_gz(MEMBERS).read())) as archive:
        read = [(one.name, (archive.extractfile(one) or io.BytesIO()).read()) for one in archive]
    assert read == MEMBERS


@pytest.mark.parametrize("size", [210_000, 300_001, 5_000_000])
def test_a_filler_makes_it_as_large_as_was_wanted(size: int) -> None:
    blob = build_tar_gz_of(MEMBERS, size, "filler")
    data = blob.read()
    assert (blob.size, len(data)) == (size, size)
    assert len(gzip.decompress(data)) % 512 == 0
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert archive.getnames()[-1] == "filler"


@pytest.mark.parametrize("size", [None, 0, 10])
def test_what_is_large_enough_gets_no_filler(size: int | None) -> None:
    assert build_tar_gz_of(MEMBERS, size, "filler").read() == build_tar_gz(MEMBERS).read()


def test_many_gigabytes_take_little_memory() -> None:
    blob = build_tar_gz_of(MEMBERS, 10 << 30, "filler")
    assert blob.size == 10 << 30
    assert sum(len(part) for part in blob.parts if isinstance(part, bytes)) < 1 << 20
