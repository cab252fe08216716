"""A secret whose characters are escaped one by one, though none needs it, is not shown either."""

import time

import pytest

from exports.transport.redact import redact

SECRET = "s3cr3t/+K3y=&<V4lue>\"of22'chars"
PLAIN = "Kq7vXw2LmN9pRt4sYz8bCd"
ESCAPES: dict[str, str] = {
    "percent": "%{:02X}",
    "percent twice": "%25{:02x}",
    "percent with u": "%u{:04x}",
    "json": "\\u{:04x}",
    "json twice": "\\\\u{:04X}",
    "braces": "\\u{{{:x}}}",
    "hex escapes": "\\x{:02x}",
    "octal escapes": "\\{:03o}",
    "html": "&#{};",
    "html with zeros": "&#{:04};",
    "html in hex": "&#X{:X};",
    "html twice": "&amp;#{};",
    "html of percent": "&#37;{:02x}",
    "mails": "={:02X}",
    "UTF-16 in hex": "{:02x}00",
}


@pytest.mark.parametrize("secret", [SECRET, PLAIN])
@pytest.mark.parametrize("form", ESCAPES.values(), ids=ESCAPES)
def test_no_secret_is_shown_whose_characters_are_escaped_one_by_one(secret: str, form: str) -> None:
    escaped = "".join(form.format(ord(char)) for char in secret)
    assert redact([secret], f"The key {escaped} is not known.") == "The key *** is not known."
    cut = redact([secret], f"No key like {escaped[: len(escaped) * 2 // 3]}")
    assert len(cut) < len("No key like ") + 3 * len(form.format(0xFF))


@pytest.mark.parametrize("between", ["\0", "\u200b", "\xad", "=\r\n"])
def test_characters_without_a_width_between_those_of_a_secret_change_nothing(between: str) -> None:
    assert redact([PLAIN], f"The key {between.join(PLAIN)} is not known.") == "The key *** is not known."


def test_escapes_without_a_secret_stay_as_they_are() -> None:
    text = "100 %25 of &#233;t&eacute;, \\u00e9, =3D, %u0041, \\101 and &#1114112; &#x110000;"
    assert redact([SECRET, PLAIN], text) == text


@pytest.mark.parametrize("piece", ["\\", "%25", "&amp;", "&#0", "%41", "=\n", "\0"])
def test_many_escapes_take_little_time(piece: str) -> None:
    begun = time.process_time()
    redact([PLAIN], piece * (256 * 1024 // len(piece)))
    assert time.process_time() - begun < 3
