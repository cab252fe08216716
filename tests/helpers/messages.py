"""The catalogues of messages, read, written and compiled without GNU gettext.

`python -m tests.helpers.messages` (`make messages`) brings them up to date with the code: `django.po` by xgettext,
`sentences.po` by `sentence_extraction`. What is new is empty until it is translated; what is gone is dropped.
"""

import ast
import os
import re
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.helpers.sentence_extraction import ROOT, sentences

LANGUAGE: Final = "fr"
FOLDER: Final = ROOT / "locale" / LANGUAGE / "LC_MESSAGES"
DOMAINS: Final = ("django", "sentences")
HEADER: Final = (
    "Project-Id-Version: export-portal\n"
    f"Language: {LANGUAGE}\n"
    "MIME-Version: 1.0\n"
    "Content-Type: text/plain; charset=UTF-8\n"
    "Content-Transfer-Encoding: 8bit\n"
    "Plural-Forms: nplurals=2; plural=(n > 1);\n"
)
# Django's command, which does not know that `_l` is gettext_lazy here.
MAKE_MESSAGES: Final = """
import sys
from django.core.management.commands.makemessages import Command
Command.xgettext_options = [*Command.xgettext_options, "--keyword=_l"]
Command().run_from_argv(["django", "makemessages", *sys.argv[1:]])
"""
CONTEXT_MARK: Final = "\x04"
LINE: Final = re.compile(r'(msgctxt|msgid_plural|msgid|msgstr(?:\[\d\])?) (".*")')


@dataclass
class Message:
    """A message: its text in English, perhaps with a plural and a context, and its translations (one for each form)."""

    text: str
    plural: str = ""
    context: str = ""
    translations: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it one message."""
        return self.context, self.text, self.plural

    @property
    def is_translated(self) -> bool:
        """Whether every form has a text."""
        return len(self.translations) == (2 if self.plural else 1) and all(self.translations)


def path_of(domain: str, suffix: str = "po") -> Path:
    """Where a catalogue lies."""
    return FOLDER / f"{domain}.{suffix}"


def read(path: Path) -> list[Message]:
    """The messages of a catalogue, without its header and what is obsolete."""
    blocks = path.read_text(encoding="utf-8").split("\n\n")
    return [message for block in blocks if (message := _parse(block)) is not None and message.text]


def _parse(block: str) -> Message | None:
    parts: list[tuple[str, str]] = []
    message = Message("")
    for line in block.splitlines():
        if line.startswith("#~"):
            return None
        if line.startswith("#:"):
            message.places += line[2:].split()
        elif line.startswith("#,"):
            message.flags += [flag.strip() for flag in line[2:].split(",")]
        elif found := LINE.fullmatch(line):
            parts.append((found[1], ast.literal_eval(found[2])))
        elif line.startswith('"'):
            parts[-1] = (parts[-1][0], parts[-1][1] + ast.literal_eval(line))
    if not parts:
        return None
    values = dict(parts)
    message.text, message.plural = values.get("msgid", ""), values.get("msgid_plural", "")
    message.context = values.get("msgctxt", "")
    message.translations = [text for name, text in parts if name.startswith("msgstr")]
    return message


def write(path: Path, messages: list[Message]) -> None:
    """Writes a catalogue, a message a paragraph."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = "\n".join(['msgid ""', 'msgstr ""', *(f'"{line}\\n"' for line in HEADER.splitlines())])
    path.write_text("\n\n".join([head, *map(_format, messages)]) + "\n", encoding="utf-8")


def _format(message: Message) -> str:
    lines = [f"#: {' '.join(message.places)}"] if message.places else []
    lines += [f"#, {', '.join(message.flags)}"] if message.flags else []
    lines += [f"msgctxt {_quoted(message.context)}"] if message.context else []
    lines.append(f"msgid {_quoted(message.text)}")
    if not message.plural:
        return "\n".join([*lines, f"msgstr {_quoted(''.join(message.translations[:1]))}"])
    lines.append(f"msgid_plural {_quoted(message.plural)}")
    forms = [*message.translations, "", ""][:2]
    return "\n".join([*lines, *(f"msgstr[{index}] {_quoted(text)}" for index, text in enumerate(forms))])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t").replace("\r", "\\r")
    return '"' + escaped.replace("\n", "\\n") + '"'


def compiled(messages: list[Message]) -> bytes:
    """The catalogue as gettext's .mo: what is not translated is left out."""
    pairs = {"": HEADER}
    for message in messages:
        if message.is_translated and "fuzzy" not in message.flags:
            text = f"{message.context}{CONTEXT_MARK}{message.text}" if message.context else message.text
            pairs["\0".join(filter(None, (text, message.plural)))] = "\0".join(message.translations)
    encoded = sorted((key.encode(), value.encode()) for key, value in pairs.items())
    count, tables, strings = len(encoded), [], b""
    for column in (0, 1):
        for pair in encoded:
            tables.append(struct.pack("<2I", len(pair[column]), 28 + 16 * count + len(strings)))
            strings += pair[column] + b"\0"
    return struct.pack("<7I", 0x950412DE, 0, count, 28, 28 + 8 * count, 0, 28 + 16 * count) + b"".join(tables) + strings


def extract(domain: str) -> list[Message]:
    """The messages that the code has now, without translations."""
    if domain == "sentences":
        return [Message(text, places=places) for text, places in sorted(sentences().items())]
    return sorted(_marked(), key=lambda message: message.key)


def _marked() -> Iterator[Message]:
    """What is marked in templates and Python, by Django's makemessages, which runs xgettext."""
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / "code"
        link.mkdir()
        for name in ("exports", "portal", "templates", "manage.py"):
            (link / name).symlink_to(ROOT / name)
        (link / "locale").mkdir()
        command = [sys.executable, "-c", MAKE_MESSAGES, "-l", LANGUAGE, "--no-wrap", "--symlinks"]
        command += ["--add-location", "file", "--keep-pot", "--no-obsolete"]
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": ""}
        subprocess.run(command, cwd=link, env=environ, check=True, capture_output=True)
        yield from read(link / "locale" / "django.pot")


def update(domain: str) -> list[Message]:
    """Writes the catalogue with the messages of the code and the translations that it has for them; and compiles it."""
    path = path_of(domain)
    known = {message.key: message.translations for message in read(path)} if path.exists() else {}
    messages = extract(domain)
    for message in messages:
        message.flags = []
        message.translations = known.get(message.key, [])
    write(path, messages)
    path_of(domain, "mo").write_bytes(compiled(messages))
    return messages


if __name__ == "__main__":
    for domain_name in DOMAINS:
        missing = [message for message in update(domain_name) if not message.is_translated]
        print(f"{domain_name}: {len(missing)} to translate")
        for message in missing[:20]:
            print(f"  {message.text}")
