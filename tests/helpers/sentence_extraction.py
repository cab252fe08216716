"""Finds the sentences that services, workers, providers and commands write in English, in the code that writes them.

They carry no marks: what stands in these files and is words for a person is a message. A part that is filled in is
`{name}`, named by the last name of its expression. Words that are not for people are left out by their place
(docstrings, log lines, annotations, keys) and their look (SQL, headers, one word alone but where labels stand).
"""

import ast
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from exports.providers.registry import PROVIDERS

ROOT: Final = Path(__file__).resolve().parent.parent.parent
PLACES: Final = (
    *(
        f"exports/{package}/**/*.py"
        for package in (
            "credentials",
            "exporting",
            "housekeeping",
            "management",
            "metrics",
            "notify",
            "people",
            "preview",
            "providers",
            "queue",
            "settle",
            "steps",
            "storage",
            "transport",
        )
    ),
    "exports/supervisor/preflight.py",
    "exports/models/alert.py",
    "exports/models/team.py",
    "exports/models/token.py",
    "exports/access.py",
    "exports/audit/log.py",
    "exports/crypto.py",
    "exports/errors.py",
    "exports/states.py",
    "exports/http/file_responses.py",
    "portal/*.py",
    "manage.py",
)
# What `startprovider` writes: what of it stays needs no translation anew.
SCAFFOLD: Final = ROOT / "exports" / "management" / "scaffold" / "provider.py.tmpl"
# Sentences that the code no longer writes, and older rows of the database still have.
FORMER: Final = ROOT / "locale" / "former_sentences.txt"
# Whose sentences only developers read.
FOR_DEVELOPERS: Final = frozenset(["exports/providers/testing.py"])
# One word is a label there.
LABELS: Final = ("exports/providers/", "exports/models/team.py", "exports/models/token.py", "exports/models/alert.py")
# Of these calls nothing is for a reader of pages or of a terminal.
SILENT_CALLS: Final = frozenset(
    [
        "debug",
        "info",
        "warning",
        "error",
        "exception",
        "critical",
        "TypeError",
        "AssertionError",
        "KeyError",
        "RuntimeError",
        "getattr",
        "startswith",
        "endswith",
        "compile",
        "add_index",
        "Index",
        "UniqueConstraint",
        "CheckConstraint",
        "execute",
        "RawSQL",
        "extra",
        "isinstance",
        "NewType",
        "TypeVar",
        "setdefault_header",
        # Prometheus and those who build its panels read English.
        "CounterMetricFamily",
        "GaugeMetricFamily",
        "HistogramMetricFamily",
        "gettext",
        "gettext_lazy",
        "ngettext",
        "pgettext",
        "_",
        "_l",
    ]
)
SAME_EVERYWHERE: Final = frozenset(
    [
        *(provider.label for provider in PROVIDERS.values()),
        *(f"{provider.label}-Version" for provider in PROVIDERS.values()),
        "Authorization",
        "Bearer",
        "Location",
        "Content-Type",
        "User-Agent",
        "Accept",
        "Retry-After",
        "Client",
        "Grant",
        "Kind",
        "Connect",
        "iOS",
        "Discord",
        "Slack",
        "ntfy",
        "Any",
        "Export",
        "Team",
        "ApiKey",
        "OAuth",
        "APIKey",
        "PermissionError",
        "ProviderError",
        "Content-Length",
        "Idempotency-Key",
        "If-Range",
        "Range",
        "Content-Encoding",
        "Accept-Encoding",
    ]
)
# Names of services are the same in every language.
SERVICES: Final = frozenset(provider.label for provider in PROVIDERS.values())
CODE: Final = re.compile(
    "|".join(
        (
            # SQL.
            r"\b(?:SELECT|UPDATE|INSERT|WHERE|DELETE FROM|RETURNING|COALESCE|ORDER BY|JOIN|VALUES|NULL|FROM)\b",
            r"\bAS \(",
            r"^datetime",
            r"^from [\w.{}]+ import ",
            # Patterns, formats and names.
            r"^\s*(?:[\[(<^]|\{[^\w])",
            r"\}\}|\\[dws]|%s|%%|\(\?|\|ok\|",
            r"^\w+://\S*$|::|=\"|[a-z]_[a-z]+ [a-z]+_",
            r"^(?:event|Client|ARCHIVED)\b",
            # HTTP and mail.
            r"^[A-Z]\w+-[\w-]+: |^(?:Host: |Location |Bearer |Basic |APIKey |GET |400 )",
            r"^(?:text/|bytes |private,|default-src|ignore:)|portal@",
        )
    )
)
SENTENCE: Final = re.compile(
    r"[A-Za-z]{2,}[^A-Za-z{]* [\W]*[A-Za-z]|[A-Za-z]{3,}[.:,]? \{|\} [A-Za-z(]{3,}|^[A-Za-z' ]{4,}: \{|^\d+ to \d+$"
)
SNAKE: Final = re.compile(r"\b[a-z]+_[a-z]|[A-Z]+_[A-Z]+ ?[=(]")
LABEL: Final = re.compile(r"[A-Z][a-z][A-Za-z-]*")


def untranslated_files() -> set[Path]:
    """The files of providers whose texts stay English for now."""
    slugs = [slug for slug, provider in PROVIDERS.items() if not provider.translated]
    places = [place for slug in slugs for place in (f"{slug}.py", f"{slug}/**/*.py")]
    return {path for place in places for path in (ROOT / "exports" / "providers").glob(place)}


def untranslated_sentences() -> set[str]:
    """The sentences in these files."""
    return {text for path in untranslated_files() for text in _of_file(path.read_text(), labels=True)}


def sentences() -> dict[str, list[str]]:
    """Returns each sentence to translate and the files that have it, by file and place."""
    found: dict[str, list[str]] = {}
    for path in sorted({path for place in PLACES for path in ROOT.glob(place)} - untranslated_files()):
        name = str(path.relative_to(ROOT))
        if "/migrations/" in name or "/sandbox/" in name or name in FOR_DEVELOPERS:
            continue
        for text in _of_file(path.read_text(), labels=name.startswith(LABELS)):
            if name not in found.setdefault(text, []):
                found[text].append(name)
    for text in _of_file(re.sub(r"\$(\w+)", r"\1", SCAFFOLD.read_text()), labels=True):
        found.setdefault(text, []).append(str(SCAFFOLD.relative_to(ROOT)))
    for text in FORMER.read_text().splitlines():
        found.setdefault(text, [str(FORMER.relative_to(ROOT))])
    return found


def _of_file(source: str, *, labels: bool) -> Iterator[str]:
    for node in _visible(ast.parse(source)):
        for text in _texts(node):
            text = text.removesuffix("\n").removeprefix("\n")
            if _is_for_people(text, labels=labels):
                yield text


def _is_for_people(text: str, *, labels: bool) -> bool:
    own = re.sub(r"\{\w+\}", "", text)
    if len(text) > 600 or CODE.search(text) or not text.strip() or "\n\n\n" in text:
        return False
    if labels and LABEL.fullmatch(text):
        return text not in SAME_EVERYWHERE | SERVICES
    return (
        bool(SENTENCE.search(text))
        and bool(re.search(r"[a-z]{2,}", own))
        and not (SNAKE.search(own) and ". " not in own)
    )


def _visible(node: ast.AST) -> Iterator[ast.expr]:
    """Yields the outermost texts of a tree, without those that nobody reads."""
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node):
        node.body = node.body[1:]
    if isinstance(node, ast.Call) and _name(node.func) in SILENT_CALLS:
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.Assign) and any(_name(target) == "__all__" for target in node.targets):
        return
    if isinstance(node, ast.AnnAssign) and _name(node.target).endswith("VERBS"):
        return  # The activity page has words of its own for them.
    if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        yield node
        return
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "slice", "ops") or (name == "args" and _is_column(node)):
            continue
        if name == "keywords" and _is_column(node):
            value = [keyword for keyword in value if keyword.arg == "choices"]
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not (isinstance(node, ast.Dict) and name == "keys"):
                yield from _visible(child)


def _is_column(node: ast.AST) -> bool:
    """Whether it is the field of a model, whose name and help are for the admin site."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _name(node.func.value) == "models"


def _name(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _texts(node: ast.expr) -> Iterator[str]:
    """Yields a text with `{name}` for what is filled in; one for each choice of words inside it."""
    if isinstance(node, ast.Constant):
        text = re.sub(r"%\((\w+)\)s", r"{\1}", str(node.value))
        counter = itertools.count(1)
        yield re.sub(r"\{\}", lambda _: f"{{value{next(counter)}}}", text)
        return
    assert isinstance(node, ast.JoinedStr)
    seen: dict[str, str] = {}
    for parts in itertools.product(*[_alternatives(part, seen) for part in node.values]):
        yield "".join(parts)


def _alternatives(part: ast.expr, seen: dict[str, str]) -> list[str]:
    if isinstance(part, ast.Constant):
        return [str(part.value)]
    if isinstance(part, ast.JoinedStr):
        return list(_texts(part))
    if isinstance(part, ast.FormattedValue):
        return _alternatives(part.value, seen)
    if isinstance(part, ast.IfExp):
        return _alternatives(part.body, seen) + _alternatives(part.orelse, seen)
    key = ast.dump(part)
    if key not in seen:
        name = _last_name(part)
        numbers = (f"{name}{n}" for n in itertools.count(2))
        seen[key] = name if name not in seen.values() else next(one for one in numbers if one not in seen.values())
    return [f"{{{seen[key]}}}"]


def _last_name(node: ast.expr) -> str:
    """Returns the name that says most about an expression: `error.message[:240]` is a message."""
    if isinstance(node, ast.Name):
        return node.id.strip("_").lower() or "value"
    if isinstance(node, ast.Attribute):
        return (
            _last_name(node.value) if node.attr in ("pk", "label", "name", "__name__") else node.attr.strip("_").lower()
        )
    if isinstance(node, ast.Subscript):
        return _last_name(node.value)
    if isinstance(node, ast.Call):
        if node.args and not isinstance(node.args[0], ast.Constant | ast.GeneratorExp | ast.Starred | ast.ListComp):
            return _last_name(node.args[0])
        return _last_name(node.func.value) if isinstance(node.func, ast.Attribute) else _last_name(node.func)
    if isinstance(node, ast.BinOp):
        return _last_name(node.left)
    return "value"
