"""`manage.py startprovider` writes a provider that works with its own stand-in, and refuses what it cannot write."""

import subprocess
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from exports.management.commands.startprovider import FILES, check_words, render, scaffold, with_line
from exports.providers.registry import PROVIDERS
from tests.helpers.portal_copy import copy_portal, run_in_copy
from tests.helpers.processes import ROOT

# As long as a name and a label may be, and at the end of the alphabet, which decides the order of imports.
LONG_NAME, LONG_LABEL = "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "Zzzzzz & Zzzzzzzzzz Zzzzzzzzzz"
WRITTEN = ("exports/providers/{0}.py", "exports/sandbox/services/{0}.py", "tests/providers/{0}")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory, database_folder: Path, django_db_setup: None) -> Path:
    """A copy of the portal with two new providers."""
    copy = copy_portal(tmp_path_factory.mktemp("startprovider") / "portal", database_folder)
    for arguments in (("acme",), (LONG_NAME, "--label", LONG_LABEL)):
        done = run_in_copy(copy, "manage.py", "startprovider", *arguments)
        assert done.returncode == 0, done.stderr
        assert f"docs/providers/{arguments[0]}.md" in done.stdout
    return copy


@pytest.mark.slow(seconds=40)
@pytest.mark.timeout(300)
def test_its_own_tests_and_the_contract_are_green(copy: Path) -> None:
    contract = "tests/providers/test_every_provider_meets_the_contract.py"
    done = run_in_copy(copy, "-m", "pytest", "-q", "-k", "acme", "tests/providers/acme", contract)
    assert done.returncode == 0, done.stdout
    passed = run_in_copy(copy, "-m", "pytest", "--collect-only", "-q", "tests/providers/acme").stdout
    assert "test_each_kind_ends_as_succeeded[archive]" in passed


@pytest.mark.slow(seconds=4)
@pytest.mark.parametrize("arguments", [("check",), ("format", "--check")], ids=" ".join)
def test_what_it_writes_is_linted(copy: Path, arguments: tuple[str, ...]) -> None:
    paths = [path.format(name) for name in ("acme", LONG_NAME) for path in WRITTEN]
    done = run_in_copy(copy, "-m", "ruff", *arguments, *paths, "exports/shipped.py")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow(seconds=4)
def test_the_portal_starts_with_it(copy: Path) -> None:
    done = run_in_copy(copy, "manage.py", "check")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow(seconds=4)
def test_the_documents_are_still_true(copy: Path) -> None:
    done = run_in_copy(copy, "-m", "pytest", "-q", "tests/test_docs_are_true.py", "-k", "lists_every_module or acme")
    assert done.returncode == 0, done.stdout


@pytest.mark.slow(seconds=15)
def test_its_words_may_stay_english_at_first(copy: Path) -> None:
    done = run_in_copy(copy, "-m", "pytest", "-q", "tests/web/test_catalogues_are_complete.py")
    assert done.returncode == 0, done.stdout
    # What says so is in its own file; taken away, a sentence that no other provider says is missing in French.
    file = copy / "exports/providers/acme.py"
    written = file.read_text()
    french = written.replace("translated = False", "translated = True")
    file.write_text(french.replace("answered without a job of this project", "answered without a quince"))
    try:
        done = run_in_copy(copy, "-m", "pytest", "-q", "tests/web/test_catalogues_are_complete.py")
    finally:
        file.write_text(written)
    assert done.returncode == 1
    assert "quince" in done.stdout


@pytest.mark.slow(seconds=8)
def test_a_name_is_not_written_twice(copy: Path) -> None:
    before = (copy / "exports/providers/acme.py").read_bytes()
    done = run_in_copy(copy, "manage.py", "startprovider", "acme")
    assert done.returncode == 1
    assert "There is a provider acme already." in done.stderr
    assert (copy / "exports/providers/acme.py").read_bytes() == before


@pytest.mark.parametrize("name", ["", "a", "Acme", "ac-me", "ac_me", "7acme", "class", "a" * 31, "../acme", "acmé"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(CommandError, match="A name is 2 to 30"):
        check_words(name, "")


@pytest.mark.parametrize("name", PROVIDERS)
def test_taken_names_are_refused(name: str) -> None:
    with pytest.raises(CommandError, match="already"):
        check_words(name, "")


@pytest.mark.parametrize("label", ['"', "a\nb", "$name", "x" * 31, "ends with ", "Ümlaut"])
def test_bad_labels_are_refused(label: str) -> None:
    if label.strip() == "ends with":
        assert check_words("acme", label).label == "ends with"
        return
    with pytest.raises(CommandError, match="A label is"):
        check_words("acme", label)


@pytest.mark.parametrize(
    ("name", "label", "class_name"),
    [
        ("acme", "", "Acme"),
        ("acme", "acme cloud", "AcmeCloud"),
        ("job", "", "JobProvider"),
        ("client", "Client", "ClientProvider"),
        ("four11", "411", "Four11Provider"),
        ("none", "None", "NoneProvider"),
    ],
)
def test_a_class_is_named_after_the_label_and_shadows_no_import(name: str, label: str, class_name: str) -> None:
    assert check_words(name, label).class_name == class_name


@pytest.mark.parametrize(
    "existing", ["exports/providers/acme.py", "exports/providers/acme/provider.py", "docs/providers/acme.md"]
)
def test_nothing_is_written_where_something_is(tmp_path: Path, existing: str) -> None:
    (tmp_path / "tests" / "providers").mkdir(parents=True)
    (tmp_path / existing).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / existing).write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(CommandError, match=r"is there already. Nothing was written\."):
        scaffold(tmp_path, check_words("acme", ""))
    assert sorted(tmp_path.rglob("*")) == before


def test_it_is_for_a_clone(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="in a clone of the portal"):
        scaffold(tmp_path, check_words("acme", ""))


def test_a_list_in_another_form_is_left_alone() -> None:
    with pytest.raises(CommandError, match=r"has no list CLASSES"):
        with_line("CLASSES = dict()\n", '    "y": "Y",\n')


def test_every_mark_is_on_the_page() -> None:
    words = check_words("acme", "")
    marks = render(FILES["exports/providers/{name}.py"], words).count("CHECK:")
    page = render(FILES["docs/providers/{name}.md"], words)
    assert page.count("| to find |") == marks
    assert "Not checked against the real service" in page


def test_its_templates_are_part_of_the_repository() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "exports/management/scaffold"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode == 0:
        assert len(listed.stdout.split()) == len([name for name in FILES.values() if name])
