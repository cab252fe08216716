"""The figures as Prometheus' own parser reads them."""

from typing import Any

from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from exports.metrics import exposition


def scrape() -> dict[str, Any]:
    """The metric families by name, without a connection of their own."""
    text = generate_latest(exposition.REGISTRY).decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(families: dict[str, Any], family: str, sample: str = "", **labels: str) -> float | None:
    """The value of one sample; None where there is none with these labels."""
    found = [
        one.value
        for one in families[family].samples
        if one.name == (sample or one.name) and all(one.labels.get(name) == word for name, word in labels.items())
    ]
    assert len(found) < 2, found
    return found[0] if found else None
