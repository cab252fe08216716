"""Option fields parse forms and JSON, and refuse values of the wrong type."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from exports.providers.fields import (
    ChoiceField,
    IntegerListField,
    OptionalBooleanField,
    StringMapField,
    TextField,
    TextListField,
)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [([1, 2, 3], [1, 2, 3]), ("1, 2, 3", [1, 2, 3]), ("1 2;3", [1, 2, 3]), ("[1, 2]", [1, 2]), ("7", [7])],
)
def test_numbers_come_as_a_list_or_as_text(given: Any, wanted: list[int]) -> None:
    assert IntegerListField().clean(given) == wanted


@pytest.mark.parametrize("given", [None, "", "  ", "[]", []])
def test_no_numbers_are_an_empty_list_where_none_are_required(given: Any) -> None:
    assert IntegerListField(required=False).clean(given) == []
    with pytest.raises(ValidationError):
        IntegerListField().clean(given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("1, two", "“two” is no whole number"),
        ("1.5", "“1.5” is no whole number"),
        ("9" * 5000, "is no whole number"),
        (["1"], "A list of whole numbers"),
        ([None], "A list of whole numbers"),
        ([10**20], "A list of whole numbers"),
        (1, "A list of whole numbers"),
        ({}, "A list of whole numbers"),
        ([1, 1], "twice"),
        (list(range(1001)), "At most 1000"),
    ],
)
def test_anything_but_a_list_of_numbers_is_an_error(given: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        IntegerListField(required=False).clean(given)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (True, True),
        (False, False),
        ("true", True),
        ("on", True),
        ("False", False),
        ("0", False),
        ("", None),
        (None, None),
    ],
)
def test_a_switch_is_true_false_or_unset(given: Any, wanted: bool | None) -> None:
    assert OptionalBooleanField().clean(given) is wanted


@pytest.mark.parametrize("given", ["maybe", 1, 0, [], {}, [True], "2"])
def test_anything_but_a_boolean_is_an_error(given: Any) -> None:
    with pytest.raises(ValidationError, match="true or false"):
        OptionalBooleanField().clean(given)


@pytest.mark.parametrize("given", [{"order.id": "Number"}, '{"order.id": "Number"}'])
def test_a_map_is_an_object_or_its_json(given: Any) -> None:
    assert StringMapField().clean(given) == {"order.id": "Number"}


@pytest.mark.parametrize("given", [None, "", " ", {}, "{}"])
def test_an_empty_map_is_accepted_where_none_is_required(given: Any) -> None:
    assert StringMapField(required=False).clean(given) == {}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("order.id", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('["a"]', "An object"),
        ([], "An object"),
        (["a"], "An object"),
        (7, "An object"),
        ({"order.id": 7}, "“order.id” must be a text"),
        ({"order.id": None}, "“order.id” must be a text"),
        ({"a": "\0"}, "Null characters"),
        ('{"a": "\\ud800"}', "halves of characters"),
        ('{"\\udfff": "a"}', "halves of characters"),
        ({str(n): "x" for n in range(1001)}, "At most 1000"),
    ],
)
def test_anything_but_a_map_of_texts_is_an_error(given: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        StringMapField(required=False).clean(given)


@pytest.mark.parametrize("given", [7, True, [], ["x"], {}])
def test_a_text_and_a_choice_are_texts(given: Any) -> None:
    with pytest.raises(ValidationError, match="A text is wanted"):
        TextField(required=False).clean(given)
    with pytest.raises(ValidationError, match="A text is wanted"):
        ChoiceField(choices=[("", ""), ("7", "7")], required=False).clean(given)


def test_a_text_is_trimmed_and_a_choice_must_be_one_of_its_values() -> None:
    assert TextField().clean(" x ") == "x"
    assert TextField(required=False).clean(None) == ""
    assert ChoiceField(choices=[("a", "A")]).clean("a") == "a"
    assert ChoiceField(choices=[("a", "A")], required=False).clean(None) == ""
    with pytest.raises(ValidationError, match="not one of the available choices"):
        ChoiceField(choices=[("a", "A")]).clean("b")


def test_maps_and_lists_are_shown_in_the_form_in_which_they_are_typed() -> None:
    assert IntegerListField().prepare_value([1, 2]) == "1, 2"
    assert IntegerListField().prepare_value("1, x") == "1, x"
    assert StringMapField().prepare_value({"a": "é"}) == '{"a": "é"}'
    assert StringMapField().prepare_value("{") == "{"
    assert OptionalBooleanField().prepare_value(True) == "true"
    assert OptionalBooleanField().prepare_value("maybe") == "maybe"


def test_every_field_says_its_json_schema() -> None:
    types = [
        field.schema["type"]
        for field in (TextField, ChoiceField, OptionalBooleanField, IntegerListField, StringMapField)
    ]
    assert types == ["string", "string", "boolean", "array", "object"]


@pytest.mark.parametrize("given", ["one, two", "one two", "one;two", ["one", "two"], ("one", "two")])
def test_names_come_as_a_list_or_as_a_text(given: object) -> None:
    assert TextListField().clean(given) == ["one", "two"]


@pytest.mark.parametrize("given", [None, "", []])
def test_no_names_are_an_empty_list(given: object) -> None:
    assert TextListField(required=False).clean(given) == []


@pytest.mark.parametrize(
    "given", [[1], "one, one", ["a b"], ["a,b"], [""], {"one": 1}, 7, True, ["x" * 201], ["\ud800"]]
)
def test_what_is_no_list_of_names_is_an_error(given: object) -> None:
    with pytest.raises(ValidationError):
        TextListField().clean(given)


def test_there_are_at_most_a_thousand_names() -> None:
    with pytest.raises(ValidationError, match="At most 1000 names"):
        TextListField().clean([f"name-{number}" for number in range(1001)])
