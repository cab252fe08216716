"""The alert rules and the dashboard name metrics and labels that /metrics has, and each alert says what to do."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import yaml

from tests.helpers.processes import ROOT
from tests.helpers.servers import skip_or_fail
from tests.metrics.test_metrics_say_what_is_there import DOCUMENTED

FOLDER = ROOT / "docs" / "deploy" / "monitoring"
RULES, DASHBOARD = FOLDER / "alerts.yml", FOLDER / "dashboard.json"
# What a family's samples are called beside the family itself.
SUFFIXES = {"portal_provider_answers": ("_total",), "portal_step_seconds": ("_bucket", "_count", "_sum")}
SAMPLES = {f"{name}{suffix}": labels for name, labels in DOCUMENTED.items() for suffix in SUFFIXES.get(name, ("",))}
NAME = re.compile(r"\bportal_\w+")
SELECTOR = re.compile(r"\b(portal_\w+)\{([^}]*)\}")


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    yield from (target["expr"] for panel in panels for target in panel["targets"])


def test_each_metric_that_is_named_exists() -> None:
    named = {name for expression in expressions() for name in NAME.findall(expression)}
    assert named - set(SAMPLES) == set()
    assert {name.removesuffix("_total") for name in SAMPLES} - {"portal_step_seconds_sum"} <= {
        name.removesuffix("_total") for name in named
    }, "the dashboard shows all of them"


def test_each_label_that_is_named_is_the_metrics_own() -> None:
    for expression in expressions():
        for name, selector in SELECTOR.findall(expression):
            assert set(re.findall(r"(\w+)\s*[=!]", selector)) <= SAMPLES[name], expression


def test_each_alert_says_what_is_wrong_and_what_to_do() -> None:
    assert len({rule["alert"] for rule in rules()}) == len(rules()) > 5
    for rule in rules():
        assert rule["labels"]["severity"] in {"page", "ticket"}, rule["alert"]
        assert set(rule["annotations"]) == {"summary", "action"}, rule["alert"]
        assert all(len(text) > 20 for text in rule["annotations"].values()), rule["alert"]


def test_promtool_takes_the_rules_and_the_configuration() -> None:
    """Whether the expressions are PromQL, which the tests above do not know."""
    program = os.environ.get("PROMTOOL") or shutil.which("promtool")
    if program is None:
        skip_or_fail("promtool", FileNotFoundError("promtool"))
        return
    for kind, file in (("rules", RULES), ("config", FOLDER / "prometheus.yml")):
        done = subprocess.run([program, "check", kind, str(file)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
