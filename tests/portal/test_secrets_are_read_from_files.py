"""NAME_FILE names a file with the value of a secret variable, as containers have it."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal import environment
from portal.secret_files import SECRET_VARIABLES


@pytest.mark.parametrize("name", sorted(SECRET_VARIABLES))
def test_a_secret_is_read_without_the_line_end(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("the value\n")
    monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "secret"))
    assert environment.get_text(name) == "the value"


def test_the_database_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "url").write_text("postgres://me:p%40ss@db.example.org/portal\n")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "url"))
    found = environment.database(tmp_path)
    assert (found["NAME"], found["PASSWORD"]) == ("portal", "p@ss")


def test_other_variables_are_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTRA_CA_FILE", "/nowhere")
    monkeypatch.delenv("PUBLIC_URL", raising=False)
    monkeypatch.setenv("PUBLIC_URL_FILE", "/nowhere")
    assert environment.get_text("EXTRA_CA") == ""
    assert environment.get_text("PUBLIC_URL") == ""


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read (No such file or directory): make it readable"),
        (b"", "is empty: write the value"),
        (b"\n", "is empty: write the value"),
        (b"\xff\xfe", "is not UTF-8"),
    ],
)
def test_a_file_that_holds_no_secret_is_a_sentence(
    content: bytes | None, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "secret"))
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY_FILE names a file") as raised:
        environment.get_text("SECRET_KEY")
    assert sentence in str(raised.value)


def test_both_set_is_a_sentence_without_the_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("one")
    monkeypatch.setenv("SECRET_KEY", "another")
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "secret"))
    with pytest.raises(
        ImproperlyConfigured, match=r"^SECRET_KEY and SECRET_KEY_FILE are both set: unset one of them\.$"
    ):
        environment.get_text("SECRET_KEY")
