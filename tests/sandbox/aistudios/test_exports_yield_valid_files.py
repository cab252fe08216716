"""Its videos are valid files."""

from collections.abc import Callable

from tests.sandbox.provider_clients import Client, download

Make = Callable[[str], Client]


def test_an_ai_studios_video_is_a_sound_row_of_boxes(client: Make) -> None:
    answer = download(client("aistudios").link())
    assert answer.headers["Content-Type"] == "video/mp4"
    data, names, place = answer.content, [], 0
    while place < len(data):
        names.append(data[place + 4 : place + 8])
        place += int.from_bytes(data[place : place + 4], "big")
    assert (names, place) == ([b"ftyp", b"moov", b"mdat"], len(data))
    assert b"Made by a stand-in provider" in data
