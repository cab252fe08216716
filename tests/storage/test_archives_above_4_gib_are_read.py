"""Archives of more than 4 GiB, as some programs write them: with offsets cut to 32 bits, without zip64."""

import struct
import zlib
from pathlib import Path

import pytest

from exports.storage.verify import BadFileError, verify

UNPACKED_NOWHERE = 12  # A method that is not unpacked here, so that the holes in the file are not read.


def write_archive(path: Path, sizes: list[int], *, shift: int = 0) -> None:
    """Members of holes with these sizes, and a small one behind them."""
    entries = []
    with path.open("wb") as file:
        for number, size in enumerate([*sizes, 5]):
            data = b"hello" if number == len(sizes) else None
            name, start = b"%d.bin" % number, file.tell()
            crc, method = (zlib.crc32(data), 0) if data else (0, UNPACKED_NOWHERE)
            common = struct.pack("<3H2H3I2H", 20, 0, method, 0, 0, crc, size, size, len(name), 0)
            file.write(b"PK\3\4" + common + name + (data or b""))
            if data is None:
                file.seek(size, 1)
            place = (start + shift) % (1 << 32)
            entries.append(b"PK\1\2" + struct.pack("<H", 20) + common + struct.pack("<3H2I", 0, 0, 0, 0, place) + name)
        place, directory = file.tell(), b"".join(entries)
        count = len(entries)
        end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(directory), place % (1 << 32), 0)
        file.write(directory + end)


@pytest.mark.parametrize("sizes", [[3 << 30, 3 << 29], [3 << 30] * 3, [1 << 30]])
def test_offsets_that_were_cut_to_32_bits_are_understood(tmp_path: Path, sizes: list[int]) -> None:
    write_archive(tmp_path / "archive", sizes)
    count = len(sizes)
    members = f"{count} member{'s' * (count > 1)}"
    assert verify(tmp_path / "archive", "zip") == f"{members} could not be checked: method 12."


def test_offsets_that_lead_nowhere_are_not(tmp_path: Path) -> None:
    write_archive(tmp_path / "archive", [3 << 30, 3 << 29], shift=7)
    with pytest.raises(BadFileError, match="not where its directory says"):
        verify(tmp_path / "archive", "zip")
