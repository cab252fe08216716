"""Every text that people see is marked for translation, in templates and on rendered pages."""

import re
from pathlib import Path
from typing import Final

import pytest
from django.conf import settings
from django.template.base import Lexer, TokenType
from django.test import Client

from tests.helpers import factories, page_routes, pseudo_locale
from tests.helpers.cast import Cast
from tests.helpers.clients import client_of, recently_authenticated
from tests.helpers.roles import TABLES
from tests.helpers.unmarked_texts import NAMES, allowed_texts, unmarked_texts

pytestmark = pytest.mark.slow(seconds=1)

TEMPLATES: Final = Path(settings.BASE_DIR) / "templates"
# The API's reference is made of its docstrings.
ENGLISH_ONLY: Final = ("api-docs",)
# A program, which the documentation shows.
CODE: Final = ("verify_webhook.txt",)
PROGRAM: Final = re.compile(r"<pre[^>]*><code>.*?</code></pre>", re.DOTALL)


def _sources() -> list[Path]:
    sources = (path for path in TEMPLATES.rglob("*.*") if path.suffix in (".html", ".txt"))
    return sorted(path for path in sources if path.name not in CODE)


def _literally(source: str) -> str:
    """A template without its tags, and without what stands in marks or comments, or is a program."""
    kept, until = [], ""
    for token in Lexer(source).tokenize():
        word = token.contents.split()[0] if token.token_type == TokenType.BLOCK else ""
        if until:
            until = "" if word == until else until
        elif word in ("blocktranslate", "comment"):
            until = f"end{word}"
        elif token.token_type == TokenType.TEXT:
            kept.append(token.contents)
    return PROGRAM.sub("", "".join(kept))


@pytest.mark.parametrize("path", _sources(), ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_a_template_has_no_text_outside_its_marks(path: Path) -> None:
    found = pseudo_locale.unmarked(_literally(path.read_text()))
    assert [
        text for text in found if pseudo_locale.WORD_PATTERN.search(pseudo_locale.without_allowed(text, NAMES))
    ] == []


SCRIPTS: Final = Path(settings.BASE_DIR) / "exports" / "static" / "exports"
WORDS: Final = r"""["'`][^"'`;\n]*(?:\b[A-Z][a-z]+|[a-z] [a-z])"""
SAYS: Final = re.compile(rf"(?:textContent|innerText|ariaLabel|title|placeholder) = [^;\n]*{WORDS}")


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*.js")), ids=lambda path: path.name)
def test_a_script_contains_no_text(path: Path) -> None:
    """It takes them from attributes that the page's templates fill in."""
    assert SAYS.findall(path.read_text()) == []


def test_text_in_a_script_is_detected() -> None:
    assert SAYS.search('said.textContent = count ? `With the ${count} chosen:` : "";')
    assert SAYS.search('button.textContent = "Copied";')


def test_pages_have_no_text_outside_the_marks(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = page_routes.create_sample_data(cast)
    pseudo_locale.activate(monkeypatch)
    allowed = allowed_texts()
    found: list[str] = []
    for client, pages in (
        (recently_authenticated(client_of(cast.owner)), page_routes.PAGES),
        (Client(), page_routes.ANONYMOUS_PAGES),
    ):
        for name, ways in pages.items():
            for visit in ways if name not in ENGLISH_ONLY else ():
                html = client.get(page_routes.visit_url(name, visit, numbers)).content.decode()
                assert pseudo_locale.OPEN in html, f"{name} does not speak the language of this test"
                found += unmarked_texts(f"{name} {visit}", html, allowed)
    assert found == [], "\n".join(found)


# What a form says after it was sent, and where it leads: (role, address in the team or out of it, what is sent).
SENT: Final[tuple[tuple[str, str, dict[str, str | tuple[str, ...]]], ...]] = (
    ("member", "/t/the-team/new/{copy}/orders/", {}),
    ("member", "/t/the-team/new/{change}/archive/", {"confirm": ""}),
    ("member", "/t/the-team/new/{change}/archive/", {"confirm": "another"}),
    ("member", "/t/the-team/exports/{again}/retry", {"confirm": "another"}),
    ("member", "/t/the-team/exports/bulk/cancel", {}),
    ("member", "/t/the-team/exports/bulk/retry", {"id": ("{bad}", "{open}")}),
    ("member", "/t/the-team/exports/bulk/delete", {"id": ("{good}", "{bad}")}),
    ("member", "/t/the-team/exports/bulk/delete", {"id": ("{good}", "{bad}"), "sure": "yes"}),
    ("member", "/t/the-team/exports/{good}/delete-file", {}),
    ("member", "/t/the-team/projects/add/{c}/", {}),
    ("member", "/t/the-team/projects/add/{c}/", {"remote_id": "77"}),
    ("member", "/t/the-team/projects/{copy}/", {"name": "Another name"}),
    ("owner", f"/t/the-team/credentials/add/{TABLES}/", {"origin": "other"}),
    ("owner", "/t/the-team/members/invite", {"role": "viewer"}),
    ("owner", "/t/the-team/members/{m}/role", {"role": "viewer"}),
    ("owner", "/t/the-team/members/{m}/remove", {}),
    ("owner", "/t/the-team/members/leave", {}),
    ("owner", "/profile/", {"name": "A name"}),
    ("owner", "/profile/tokens", {"team": "{owner}", "name": "script", "scope": "read", "days": ""}),
    ("owner", "/profile/password", {"old_password": "x", "new_password1": "a", "new_password2": "b"}),
    ("stranger", "/sign-in/", {"username": "nobody@example.org", "password": "x"}),
    ("stranger", "/invitations/{anybody}/", {"email": "x", "name": "", "password": "1"}),
)


@pytest.mark.parametrize(("who", "path", "data"), SENT)
def test_what_a_form_answers_is_marked(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, who: str, path: str, data: dict[str, str | tuple[str, ...]]
) -> None:
    numbers = page_routes.create_sample_data(cast) | {"owner": cast.owner.pk}
    pseudo_locale.activate(monkeypatch)
    client = Client() if who == "stranger" else client_of(getattr(cast, who))
    filled = {
        name: [one.format(**numbers) for one in value] if isinstance(value, tuple) else value.format(**numbers)
        for name, value in data.items()
    }
    answer = client.post(path.format(**numbers), filled, follow=True)
    html = answer.content.decode()
    assert pseudo_locale.OPEN in html
    found = unmarked_texts(path, html, allowed_texts())
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("path", ["/nothing/here/", "/t/the-team/new/", "/t/other-team/"])
def test_errors_are_marked(cast: Cast, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    pseudo_locale.activate(monkeypatch)
    html = client_of(cast.viewer).get(path).content.decode()
    assert pseudo_locale.OPEN in html
    found = unmarked_texts(path, html, allowed_texts())
    assert found == [], "\n".join(found)


def test_an_unmarked_text_is_detected(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """This test tests the others."""
    factories.succeeded_export(cast)
    assert pseudo_locale.unmarked("<p>⟦All is <b>marked⟧</b></p><a title='⟦So⟧'>⟦is ⟦this⟧⟧</a>") == []
    assert pseudo_locale.unmarked("<p>⟦This is⟧ but this not</p>") == ["but this not"]
    assert pseudo_locale.unmarked("<a title='Nor this' href='/x'>⟦x⟧</a>") == ["Nor this"]
    assert pseudo_locale.unmarked(_literally('{% translate "Fine" %} {% if x %}Wrong{% endif %}')) == ["Wrong"]
    assert unmarked_texts("x", "<p>Somebody forgot a mark</p>", allowed_texts()) != []
    pseudo_locale.activate(monkeypatch)
    monkeypatch.setattr("exports.web.views.members._", str)
    html = client_of(cast.viewer).post("/t/the-team/members/leave", follow=True).content.decode()
    assert any("left The Team" in text for text in unmarked_texts("x", html, allowed_texts()))
