"""The contract test that every provider of the portal passes."""

from export_portal_inkwell import Inkwell

from exports.providers.testing import contract_problems


def test_it_meets_the_contract() -> None:
    assert contract_problems(Inkwell(), {"token": "any-token"}) == []
