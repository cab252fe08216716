"""The columns are validated, from a browser's form and from JSON."""

from typing import Any

import pytest

from exports.providers.ulule import Ulule
from exports.providers.ulule.options import OrdersOptions

PLACE = ("first_name", "last_name", "entity_name", "address_1", "address_2", "postal_code", "city", "state", "country")
ORDER = ("id", "total", "tracking.source", "tracking.medium", "payment_method", "status", "created_at", "note")
IDS = [
    *(f"order.{name}" for name in ORDER),
    *(f"order.reward.{name}" for name in ("id", "description", "price", "quantity", "total")),
    *(f"user.{name}" for name in ("username", "lang", "full_name", "email")),
    *(f"shipping_address.{name}" for name in PLACE),
    *(f"billing_address.{name}" for name in (*PLACE, "type")),
]


def test_the_36_documented_columns_are_taken() -> None:
    assert len(set(IDS)) == 36
    form = OrdersOptions({"columns": {name: name.title() for name in IDS}})
    assert form.is_valid(), form.errors
    assert len(form.cleaned_data["columns"]) == 36


@pytest.mark.parametrize("value", ['{"order.id": "Numéro"}', {"order.id": "Numéro"}])
def test_json_text_and_object_are_the_same(value: Any) -> None:
    form = OrdersOptions({"columns": value})
    assert form.is_valid(), form.errors
    assert form.cleaned_data["columns"] == {"order.id": "Numéro"}


@pytest.mark.parametrize("data", [{}, {"columns": ""}, {"columns": {}}, {"columns": None}])
def test_no_choice_is_all_columns(data: dict[str, Any]) -> None:
    form = OrdersOptions(data)
    assert form.is_valid(), form.errors
    assert form.cleaned_data["columns"] == {}


@pytest.mark.parametrize(
    "name", ["order", "order.", "order.ids", "shipping_address.type", "user.phone", "xorder.id", "order_id", "ORDER.ID"]
)
def test_an_unknown_column_is_named(name: str) -> None:
    form = OrdersOptions({"columns": {"order.id": "Number", name: "X"}})
    assert list(form.errors) == ["columns"]
    assert f"Ulule has no column {name};" in form.errors["columns"][0]


@pytest.mark.parametrize("value", [["order.id"], 5, True, "[]", "not json", {"order.id": 5}, {"order.id": None}])
def test_a_wrong_type_is_an_error(value: Any) -> None:
    assert list(OrdersOptions({"columns": value}).errors) == ["columns"]


def test_the_kind_says_what_a_person_must_know() -> None:
    (kind,) = Ulule.kinds
    assert (kind.type, kind.formats, kind.effect, kind.exclusive) == ("orders", ("csv", "xlsx"), "copies", False)
    assert kind.deadline.total_seconds() == 6 * 3600
    assert "mails the file to the project's owner" in kind.cost
