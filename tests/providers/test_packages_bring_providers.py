"""Providers of installed packages are found by their entry point; what cannot be used is named in a sentence."""

import itertools
import sys
from pathlib import Path

import pytest

from exports import checks
from exports.providers import contract, packages
from exports.providers.packages import ProviderPackage, load_packages
from tests.helpers.installed_packages import PROVIDER, install

NAMES = (f"acme-{number}" for number in itertools.count())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where packages are installed for this test."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def load(folder: Path, source: str = PROVIDER, target: str = "") -> ProviderPackage:
    """The one package that is installed, under a name that no module has had."""
    name = next(NAMES)
    install(folder, name, source, target and target.format(module=name.replace("-", "_")))
    (package,) = load_packages(["shipped"])
    return package


def test_an_installed_provider_is_loaded(folder: Path) -> None:
    package = load(folder)
    assert package.problem == ""
    assert package.provider is not None
    assert (package.provider.slug, package.version) == ("acme", "1.2")


def test_nothing_else_of_a_package_is_imported(folder: Path) -> None:
    package = load(folder)
    (folder / "acme_unused.py").write_text("raise RuntimeError")
    assert package.problem == ""
    assert "acme_unused" not in sys.modules


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("contract_version = 1", "", "does not say which version of the provider contract it was written for"),
        ("contract_version = 1", "contract_version = '1'", "does not say which version"),
        ("contract_version = 1", "contract_version = 99", "written for version 99 of the provider contract, and this"),
        ("contract_version = 1", "contract_version = 0", "written for version 0 of the provider contract, and this"),
        (
            'slug = "acme"',
            'slug = "shipped"',
            "slug shipped is taken by the portal itself. Uninstall one of the two.",
        ),
        ('slug = "acme"', 'slug = "Ac/me"', "has the slug 'Ac/me', but a slug is 2 to 30 lower-case letters"),
        ('slug = "acme"', "slug = 7", "has the slug '7'"),
        ('docs = "https://acme.example/docs"', "", "does not declare docs. Tell its author."),
        ("(contract.Provider)", "", "is no subclass of exports.providers.contract.Provider"),
        (
            "from datetime",
            "import not_there\nfrom datetime",
            "cannot be imported (ModuleNotFoundError: No module",
        ),
        ("from datetime", "raise SystemExit(3)\nfrom datetime", "cannot be imported (SystemExit: 3). Install what"),
        ("from datetime", "import exports.models\n1/0\nfrom datetime", "cannot be imported (ZeroDivisionError"),
        (
            "    status_map",
            "    def __init__(self): raise ValueError('no')\n    status_map",
            "made (ValueError",
        ),
    ],
)
def test_what_cannot_be_used_is_named(folder: Path, before: str, after: str, sentence: str) -> None:
    package = load(folder, PROVIDER.replace(before, after))
    assert package.provider is None
    assert package.problem.startswith(f"The package {package.name} 1.2 cannot be used: ")
    assert sentence in package.problem


def test_an_entry_point_to_nothing_is_named(folder: Path) -> None:
    assert "cannot be imported (AttributeError" in load(folder, target="{module}:Nothing").problem


def test_of_two_packages_with_one_slug_the_second_is_left_out(folder: Path) -> None:
    first, second = sorted(next(NAMES) for _ in range(2))
    install(folder, second)
    install(folder, first)
    kept, left_out = load_packages([])
    assert kept.name == first
    assert kept.provider is not None
    assert f"its slug acme is taken by the package {first}." in left_out.problem


def test_a_broken_package_takes_no_other_away(folder: Path) -> None:
    broken, sound = sorted(next(NAMES) for _ in range(2))
    install(folder, broken, "1 / 0")
    install(folder, sound)
    assert [bool(package.provider) for package in load_packages([])] == [False, True]


def test_a_version_that_the_portal_has_dropped_asks_for_a_newer_release(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "OLDEST_CONTRACT_VERSION", contract.CONTRACT_VERSION + 1)
    assert "Install a newer release of the package." in load(folder).problem


def test_the_system_check_has_an_error_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = ProviderPackage("acme", "1", "acme:Acme", problem="It cannot be used.")
    monkeypatch.setattr(checks, "PACKAGES", (problem,))
    (message,) = checks.check_provider_packages()
    assert (message.id, message.msg) == ("exports.E006", "It cannot be used.")
