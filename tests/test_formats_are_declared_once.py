"""Every format is declared in one place, and what it names is there."""

import pytest

from exports import formats
from exports.formats import Format

EVERY = pytest.mark.parametrize("one", formats.declared_formats(), ids=lambda one: one.name)


@EVERY
def test_what_it_names_is_there(one: Format) -> None:
    for dotted in filter(None, (one.check, one.preview, one.find, one.compare)):
        assert callable(formats.load(dotted))
    assert one.check, "a file that nobody checks is not kept as verified"
    assert (one.shape == "archive") == bool(one.find)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("a.tar.gz", ("a", ".tar.gz")),
        ("a.b.TAR.GZ", ("a.b", ".TAR.GZ")),
        ("a.csv", ("a", ".csv")),
        ("tar.gz", ("tar.gz", "")),
        (".csv", (".csv", "")),
        ("a.unknown", ("a.unknown", "")),
    ],
)
def test_a_file_name_is_split_before_its_whole_suffix(name: str, parts: tuple[str, str]) -> None:
    assert formats.split_name(name) == parts


@pytest.mark.parametrize("name", ["", ".gz", "TAR.GZ", "tar..gz", "a/b", "../x", "a" * 21])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Format(name)


def test_a_name_is_declared_once() -> None:
    assert formats.register(formats.get_format("zip")) == formats.get_format("zip")
    with pytest.raises(ValueError, match="already"):
        formats.register(Format("zip", "application/x-other"))
    with pytest.raises(ValueError, match="already"):
        formats.register(Format("none"))


def test_an_old_exports_format_is_only_kept() -> None:
    one = formats.get_format("flv")
    assert (one.content_type, one.suffix, one.check, one.preview) == ("application/octet-stream", "flv", "", "")
    assert formats.get_format("../x").suffix == "bin"
