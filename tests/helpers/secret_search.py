"""Marked secrets, and a search for them in everything the system wrote, in plain and in other spellings."""

import base64
import contextlib
import json
import logging
import secrets
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest
from django.conf import settings
from django.core import mail
from django.db import connection

from exports.models import invitation, token
from exports.sandbox.registry import DECLARATIONS
from exports.sandbox.server import Sandbox

Documents = Iterable[tuple[str, bytes]]
CONTEXT_BYTES: Final = 60


@dataclass(frozen=True)
class MarkedSecrets:
    """Secrets that the stand-ins take; each holds `mark`, and so does every token made while they are in force."""

    mark: str

    def of(self, provider: str, *, other: bool = False) -> dict[str, str]:
        """The secret fields of a credential; with `other` those of the stand-in's other kind of credential."""
        stand_in = DECLARATIONS[provider]
        accepted = stand_in.accepted_secrets()
        fields = stand_in.other_secrets[0] if other else stand_in.secrets
        return {name: f"{self.mark}-{name}" if name in accepted else value for name, value in fields.items()}

    def token_urlsafe(self, size: int = 32) -> str:
        """Takes the place of the function of this name, so that what is made can be found."""
        return f"{self.mark}-{secrets.token_urlsafe(size)}"

    token_hex = staticmethod(secrets.token_hex)


@contextlib.contextmanager
def mark_secrets(sandbox: Sandbox) -> Iterator[MarkedSecrets]:
    """Has the stand-ins take marked secrets, and everybody make marked tokens."""
    one = MarkedSecrets(f"hunted{secrets.token_hex(6)}")
    with pytest.MonkeyPatch.context() as patch:
        for service in sandbox.state.services.values():
            patch.setattr(service, "accepted", {name: frozenset({f"{one.mark}-{name}"}) for name in service.accepted})
        makers = [module for name, module in sys.modules.items() if name.startswith("exports.sandbox.")]
        for where in (*makers, token, invitation):
            if hasattr(where, "secrets"):
                patch.setattr(where, "secrets", one)
        sandbox.reset()  # takes up the refresh token
        yield one
    sandbox.reset()


def spellings(secret: str) -> list[bytes]:
    """How it may have been written: plain, quoted, escaped, in hexadecimal, in Base64 wherever it begins, backwards."""
    raw = secret.encode()
    found = [raw, raw[::-1], raw.hex().encode(), raw.hex().upper().encode(), quote(secret, safe="").encode()]
    found += [json.dumps(secret)[1:-1].encode(), "".join(f"\\u{ord(sign):04x}" for sign in secret).encode()]
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + raw + b"\0" * 3)
        # The signs at both ends depend on what stands around it.
        inner = text[-(-8 * shift // 6) : 8 * (shift + len(raw)) // 6]
        found += [inner, inner.translate(bytes.maketrans(b"+/", b"-_"))]
    return list(dict.fromkeys(found))


def find_secrets(needles: Iterable[str], hay: Documents) -> list[str]:
    """Where any of the secrets was found, with what stands around it."""
    words = [(word, number) for needle in needles for number, word in enumerate(spellings(needle))]
    found = []
    for where, text in hay:
        for word, number in words:
            at = text.find(word)
            if at >= 0:
                around = text[max(0, at - CONTEXT_BYTES) : at + len(word) + CONTEXT_BYTES].decode("utf-8", "replace")
                found.append(f"{where} (spelling {number}): …{around}…")
    return found


def database_rows() -> Documents:
    """Every row of every table; with SQLite the bytes of its file too, and of what is not yet in it."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608  our own tables
            for number, row in enumerate(cursor.fetchall()):
                yield f"table {table}, row {number}", "\n".join(map(str, row)).encode()


def database_file() -> Documents:
    """With SQLite the bytes of its file and of what is not yet in it, also of what was deleted."""
    path = Path(str(connection.settings_dict["NAME"]))
    if connection.vendor == "sqlite":
        for one in sorted(path.parent.glob(f"{path.name}*")):
            yield f"file {one.name}", one.read_bytes()


def everything_written(folder: Path) -> Documents:
    """Everything that was written: the database, the files below the folder, messages of the embedded broker."""
    yield from database_rows()
    yield from database_file()
    yield from files(folder)
    yield from files(Path(settings.CELERY_BROKER_TRANSPORT_OPTIONS["folder"]))


def sent_mails(*, apart_from: str = "") -> Documents:
    """Every mail, apart from those to one address."""
    for one in mail.outbox:
        if apart_from not in one.to:
            yield f"mail {one.subject!r}", one.message().as_bytes()


def files(folder: Path) -> Documents:
    """Every file below the folder, and its name."""
    for path in sorted(folder.rglob("*")):
        yield f"name of {path.name}", str(path.relative_to(folder)).encode()
        if path.is_file():
            yield f"file {path.name}", path.read_bytes()


@contextlib.contextmanager
def log_to_file(path: Path) -> Iterator[None]:
    """Everything that is logged, from DEBUG on, written to the file as the portal writes its log."""
    root = logging.getLogger()
    ours = next(one for one in root.handlers if type(one) is logging.StreamHandler)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(ours.formatter)
    handler.filters = ours.filters
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
        handler.close()
