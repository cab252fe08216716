"""Every message has its French: none is missing, and each fits what it translates. `make messages` extracts them."""

import re
import shutil
from collections import Counter

import pytest

from exports.languages import CODES
from exports.sentences import read_compiled
from tests.helpers import messages
from tests.helpers.messages import DOMAINS, Message

PLACEHOLDER = re.compile(r"%\(\w+\)s|%%|\{\w+\}|</?\w+[^>]*>")
# French puts a narrow no-break space before these, and writes its own apostrophe and quotation marks.
WRONG_TYPOGRAPHY = re.compile(r"\w'\w| [;!?»]|« |“")


@pytest.fixture(params=DOMAINS)
def catalogue(request: pytest.FixtureRequest) -> list[Message]:
    return messages.read(messages.path_of(request.param))


def test_every_message_is_translated(catalogue: list[Message]) -> None:
    assert [message.text for message in catalogue if not message.is_translated or message.flags] == []


def test_placeholders_and_markup_are_those_of_the_english(catalogue: list[Message]) -> None:
    for message in catalogue:
        for form in filter(None, message.translations):
            found = Counter(PLACEHOLDER.findall(form))
            # The singular may say "one" where the plural has the number.
            assert found in [Counter(PLACEHOLDER.findall(text)) for text in (message.text, message.plural)], form


def test_blanks_at_the_ends_stay(catalogue: list[Message]) -> None:
    for message in catalogue:
        for form in filter(None, message.translations):
            assert (form[0] == " ", form[-1] == " ") == (message.text[0] == " ", message.text[-1] == " "), message.text


def test_the_french_is_set_as_french(catalogue: list[Message]) -> None:
    forms = [form for message in catalogue for form in message.translations]
    assert [form for form in forms if WRONG_TYPOGRAPHY.search(re.sub(r"<[^>]*>", "", form))] == []


@pytest.mark.parametrize("domain", DOMAINS)
def test_what_is_compiled_is_what_is_written(domain: str) -> None:
    written = messages.read(messages.path_of(domain))
    assert messages.path_of(domain, "mo").read_bytes() == messages.compiled(written)
    assert len(read_compiled(messages.path_of(domain, "mo"))) == len(written) + 1  # its header


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_catalogue_has_the_messages_of_the_code_and_no_others(domain: str) -> None:
    """Where GNU gettext is missing, the marked texts cannot be extracted; .ci/run installs it."""
    if domain == "django" and shutil.which("xgettext") is None:
        pytest.skip("xgettext is not installed")
    extracted = {message.key for message in messages.extract(domain)}
    written = {message.key for message in messages.read(messages.path_of(domain))}
    assert sorted(extracted - written) == [], "run `make messages` and translate these"
    assert sorted(written - extracted) == [], "run `make messages`"


def test_commands_know_the_languages_of_the_settings(settings: object) -> None:
    assert tuple(dict(settings.LANGUAGES)) == CODES  # type: ignore[attr-defined]
