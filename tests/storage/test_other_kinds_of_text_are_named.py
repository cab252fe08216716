"""What begins like another kind of text, or is what programs print instead of a value, is no table."""

import base64
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


OTHERS |= {
    ")]}'\n[[1]]": "JSON behind a guard",
    "for(;;);{}": "JSON behind a guard",
    "#!/bin/sh\necho 1\n": "a script",
    "[error]\ncode = 404\n": "a file of settings",
    "Array\n(\n    [error] => x\n)\n": "a value as a program prints it",
    'array(1) {\n  ["a"]=>\n  int(1)\n}\n': "a value as a program prints it",
    "TypeError: a; b\n    at x (/app/x.js:3:1)\n": "an error",
    "java.io.IOException\n\tat a.B.c(B.java:1)\n": "an error",
    "panic: a, b\n\ngoroutine 1 [running]:\n": "an error",
    "age-encryption.org/v1\n-> x\n": "an encrypted file",
    base64.encodebytes(b"id;mail;total\n1;a@example.org;10\n" * 3).decode(): "base64",
    "aWQ7bWFpbA" * 12: "base64",
    "code=404&message=Not+found": "the fields of a form",
    '"id;mail\\n1;a\\n"': "a text inside JSON",
    "<%= render 'x' %>": "a template",
    "Set-Cookie: a=b\r\nX-A: c\r\n\r\nid;mail\r\n1;a\r\n": "a part of its head",
}
ONE_SENTENCE = [
    "Bestand niet gevonden", "Nie znaleziono pliku", "\u6587\u4ef6\u4e0d\u5b58\u5728", "Arquivo n\u00e3o encontrado",
    "File non trovato, riprova pi\u00f9 tardi.", "Votre export est pr\u00eat, consultez vos e-mails.",
]  # fmt: skip


@pytest.mark.parametrize("text", ONE_SENTENCE)
def test_one_line_without_an_end_is_a_message_in_any_language(tmp_path: Path, text: str) -> None:
    (tmp_path / "file").write_text(text)
    with pytest.raises(BadFileError, match="a message"):
        verify(tmp_path / "file", "csv", declared_type="application/octet-stream")


HEADERS = ["email", "order.id", "order.id;user.email", "Order, total", "checksum\n" + f"{7:064x}\n{8:064x}\n"]


@pytest.mark.parametrize("text", HEADERS)
def test_a_header_alone_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "file").write_text(text)
    assert verify(tmp_path / "file", "csv") == ""


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
