"""docs/adding-a-provider.md explains everything of the contract: each attribute, field, method, answer and error."""

import ast
import inspect
import re
from dataclasses import fields
from typing import get_args

import pytest

from exports.providers import contract
from exports.transport import errors
from tests.helpers.processes import ROOT

PAGE = (ROOT / "docs" / "adding-a-provider.md").read_text(encoding="utf-8")
REFERENCE = PAGE[PAGE.index("## Reference: what a provider declares") :]
CODE = {word for text in re.findall(r"`([^`\n]+)`", REFERENCE) for word in re.findall(r"\w+", text)}


def declared_names() -> list[str]:
    """Attributes and methods of `Provider`, without the properties that follow from them."""
    (tree,) = ast.parse(inspect.getsource(contract.Provider)).body
    assert isinstance(tree, ast.ClassDef)
    attributes = [ast.unparse(node.target) for node in tree.body if isinstance(node, ast.AnnAssign)]
    methods = [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and not node.decorator_list]
    return attributes + methods


@pytest.mark.parametrize("name", declared_names())
def test_each_attribute_and_method_of_a_provider(name: str) -> None:
    assert name in CODE


@pytest.mark.parametrize("dataclass", [contract.Kind, contract.Status, contract.Accepted, contract.Unknown])
def test_each_field_of_what_it_declares_and_returns(dataclass: type) -> None:
    assert {field.name for field in fields(dataclass)} - CODE == set()


@pytest.mark.parametrize("state", get_args(contract.JobState))
def test_each_state_of_a_job(state: str) -> None:
    assert state in CODE


@pytest.mark.parametrize("name", [name for name in vars(errors) if name.endswith("Error") and name != "ProviderError"])
def test_each_error_that_a_provider_may_raise_or_meet(name: str) -> None:
    # These two are of addresses and bodies: the transport raises them, and providers do not.
    assert name in CODE or name in ("AddressError", "ContentCodingError")


def test_the_versions_of_the_contract_are_listed() -> None:
    newest = re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)[-1]
    assert int(newest) == contract.CONTRACT_VERSION
