"""Writes what a new provider begins with: its file, its stand-in, its tests, its page, and its line in the list."""

import keyword
import re
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, Final

from django.conf import settings
from django.core.management.base import CommandError

from exports.management.translated_command import TranslatedCommand
from exports.providers.packages import SLUG
from exports.providers.registry import PROVIDERS
from exports.sentences import translated

TEMPLATES: Final = Path(__file__).parent.parent / "scaffold"
# Template to what becomes of it; an empty one for a file without a template.
FILES: Final = {
    "exports/providers/{name}.py": "provider.py.tmpl",
    "exports/sandbox/services/{name}.py": "stand_in.py.tmpl",
    "tests/providers/{name}/__init__.py": "",
    "tests/providers/{name}/conftest.py": "conftest.py.tmpl",
    "tests/providers/{name}/sample.py": "sample.py.tmpl",
    "tests/providers/{name}/test_exports.py": "test_exports.py.tmpl",
    "tests/providers/{name}/test_requests.py": "test_requests.py.tmpl",
    "tests/providers/{name}/test_statuses.py": "test_statuses.py.tmpl",
    "docs/providers/{name}.md": "page.md.tmpl",
}
# The list that gets a line, and how it begins.
LIST: Final = "exports/shipped.py"
BEGINNING: Final = "CLASSES: "
LABEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .&+-]{0,28}[A-Za-z0-9]")
IMPORTS: Final = re.compile(r"(?:^from \S+ import [^\n(]+\n)+", re.MULTILINE)


@dataclass(frozen=True)
class Words:
    """What stands for the provider: its slug, its label, the name of its classes."""

    name: str
    label: str
    class_name: str


class Command(TranslatedCommand):
    """Writes nothing unless it can write everything. Exit codes: 0 written, 1 refused."""

    help = "Writes the files of a new provider, which works with its own stand-in from the start, and registers it."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="Its slug: 2 to 30 lower-case letters and digits.")
        parser.add_argument("--label", default="", help="The service's name for people; the slug, if it is left out.")

    def handle(self, *args: Any, name: str, label: str, **options: Any) -> None:
        root = Path(settings.BASE_DIR)
        words = check_words(name, label)
        written = scaffold(root, words)
        self.stdout.write("\n".join(f"{path}" for path in written))
        for line in next_steps(words):
            self.stdout.write(translated(line))


def check_words(name: str, label: str) -> Words:
    """The words of the new provider. Raises CommandError for names that are bad or taken."""
    if not SLUG.fullmatch(name) or keyword.iskeyword(name):
        raise CommandError(
            "A name is 2 to 30 lower-case letters and digits, beginning with a letter, and no word of Python."
        )
    if name in PROVIDERS:
        raise CommandError(f"There is a provider {name} already.")
    label = label.strip() or name.capitalize()
    if not LABEL.fullmatch(label):
        raise CommandError("A label is 2 to 30 letters, digits, spaces and . & + -, and ends with a letter or digit.")
    class_name = "".join(word[0].upper() + word[1:] for word in re.findall("[A-Za-z0-9]+", label))
    # A number cannot begin the name of a class, and what the files import must not be hidden by it.
    texts = "".join((TEMPLATES / template).read_text(encoding="utf-8") for template in filter(None, FILES.values()))
    if class_name[0].isdigit() or keyword.iskeyword(class_name) or re.search(rf"\b{class_name}\b", texts):
        class_name = f"{name.capitalize()}Provider"
    return Words(name, label, class_name)


def scaffold(root: Path, words: Words) -> list[str]:
    """Writes all files below `root`; returns their paths. Raises CommandError, before it writes, if it cannot."""
    if not (root / "tests" / "providers").is_dir():
        raise CommandError("There are no tests here: run it in a clone of the portal, where a provider is developed.")
    paths = {path.format(name=words.name): template for path, template in FILES.items()}
    for path in (*paths, f"exports/providers/{words.name}", f"tests/providers/{words.name}"):
        if (root / path).exists():
            raise CommandError(f"{path} is there already. Nothing was written.")
    texts = {path: render(template, words) for path, template in paths.items()}
    texts[LIST] = with_line((root / LIST).read_text(encoding="utf-8"), f'    "{words.name}": "{words.class_name}",\n')
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return list(texts)


def render(template: str, words: Words) -> str:
    """The text of a template with the provider's words; imports are sorted, since the name decides their order."""
    if not template:
        return ""
    text = Template((TEMPLATES / template).read_text(encoding="utf-8")).substitute(vars(words))
    return IMPORTS.sub(lambda match: "".join(sorted(match[0].splitlines(True), key=_module_of)), text)


def _module_of(line: str) -> str:
    return line.split()[1]


def with_line(source: str, entry: str) -> str:
    """The source of the list with one more entry at its end. Raises CommandError."""
    lines = source.splitlines(True)
    starts = [number for number, line in enumerate(lines) if line.startswith(BEGINNING)]
    ends = [number for number, line in enumerate(lines) if line == "}\n" and starts and number > starts[0]]
    if not ends:
        raise CommandError("exports/shipped.py has no list CLASSES to add a line to. Nothing was written.")
    return "".join([*lines[: ends[0]], entry, *lines[ends[0] :]])


def next_steps(words: Words) -> list[str]:
    """What to do now, a line each."""
    return [
        "",
        "It works with its stand-in, whose API is invented. Next:",
        f"  1. make test ARGS=tests/providers/{words.name}: all green.",
        f"  2. Work off the list in docs/providers/{words.name}.md, from the documents of the service.",
        "  3. make run: the demo team has a credential and a project of it.",
        "docs/adding-a-provider.md explains each step.",
    ]
