"""What begins like another kind of text, or is what programs print instead of a value, is no table."""

from pathlib import Path

import pytest

from exports.storage.verify import BadFileError, verify

OTHERS = {
    "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n": "Git LFS",
    "MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n\r\n--x\r\n": "mail or a web archive",
    "Content-Type: text/csv\r\n\r\nid;name\r\n1;a\r\n2;b\r\n": "mail or a web archive",
    "HTTP/1.1 200 OK\r\nServer: x\r\n\r\nid;name\r\n1;a\r\n2;b\r\n": "HTTP answer",
    '--b7\r\nContent-Disposition: form-data; name="f"; filename="a.csv"\r\n\r\nid;name\r\n1;a\r\n--b7--\r\n': "a form",
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n": "calendar",
    "%!PS-Adobe-3.0\n": "PostScript",
    "-----BEGIN CERTIFICATE-----\nMIIB\n": "certificate",
    "#EXTM3U\nhttps://a.example/b.ts\n": "playlist",
    "data:text/csv;base64,aWQ7bmFtZQ==": "holds data",
    "https://files.example.org/orders.csv?sig=a\n": "an address",
    "-- MySQL dump 10.13\nINSERT INTO t VALUES (1,2);\n": "dump",
    "b'id;name\\n1;a\\n'": "value of Python",
}
MESSAGES = ["OK", "None\n", "undefined", "[object Object]", "AccessDenied", "NoSuchKeyNotFound", "Resource id #5"]
FOREIGN = [
    "Votre export est en cours de génération",
    "Merci de réessayer dans quelques minutes.",
    "Vous devez être connecté pour voir cette page.",
    "Page non trouvée",
    "No se encontró el archivo",
    "Доступ запрещён",
    "We are currently under maintenance",
    "Rate exceeded",
]
TABLES = [
    "email",
    "id;OK\n1;x\n",
    "None,Done\n1,2\n",
    "https://a.example/;1\nhttps://b.example/;2\n",
    "version\n1\n2\n",
]


@pytest.mark.parametrize(("text", "name"), OTHERS.items())
def test_another_kind_of_text_is_named(tmp_path: Path, text: str, name: str) -> None:
    (tmp_path / "file").write_text(text, newline="")
    with pytest.raises(BadFileError, match=name) as caught:
        verify(tmp_path / "file", "csv")
    assert caught.value.is_placeholder


@pytest.mark.parametrize("text", MESSAGES + FOREIGN)
def test_a_message_in_any_language_is_no_table(tmp_path: Path, text: str) -> None:
    (tmp_path / "file").write_text(text)
    with pytest.raises(BadFileError, match="a message"):
        verify(tmp_path / "file", "csv")


def test_a_sentence_that_is_declared_as_text_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("Nom du contributeur")
    assert verify(tmp_path / "file", "csv", declared_type="text/csv") == ""
    with pytest.raises(BadFileError, match="a message"):
        verify(tmp_path / "file", "csv", declared_type="text/plain")


@pytest.mark.parametrize("text", TABLES)
def test_tables_with_such_words_are_kept(tmp_path: Path, text: str) -> None:
    (tmp_path / "file").write_text(text)
    assert verify(tmp_path / "file", "csv") == ""
