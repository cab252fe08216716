"""The recipe for GitHub Actions: the workflow is well-formed, and its shell steps run against a real portal."""

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from exports.sandbox.server import Sandbox
from tests.helpers.documented_blocks import RECIPES, files_of, need_programs, run_shell
from tests.helpers.installation import Installation
from tests.helpers.roles import TABLES

EXPRESSION = re.compile(r"\$\{\{ *([\w.-]+) *\}\}")


@pytest.fixture(scope="module")
def job() -> dict[str, Any]:
    workflow = yaml.safe_load(files_of(RECIPES / "github-actions.md")["export.yml"])
    # YAML 1.1 reads the word "on" as true, and so does GitHub's form of it.
    assert set(workflow[True]) == {"schedule", "workflow_dispatch"}
    assert workflow["permissions"] == {}
    (one,) = workflow["jobs"].values()
    found: dict[str, Any] = one
    return found


def fill_in(text: str, context: dict[str, str]) -> str:
    return EXPRESSION.sub(lambda match: context[match[1]], text)


def run_steps(job: dict[str, Any], folder: Path, context: dict[str, str]) -> tuple[list[int], str]:
    """Runs the steps as a runner does, until one fails. Returns their exit codes and all that they printed."""
    output, codes, printed = folder / "output", [], ""
    output.touch()
    for step in (step for step in job["steps"] if "run" in step):
        values = {**job["env"], **step.get("env", {})}
        filled = {name: fill_in(value, context) for name, value in values.items()}
        assert not EXPRESSION.search(step["run"]), "An expression in a script would be code that anybody can inject."
        done = run_shell(step["run"], folder, {**filled, "GITHUB_OUTPUT": str(output), "PAUSE": "0.2"})
        codes.append(done.returncode)
        printed += done.stdout + done.stderr
        lines = dict(line.split("=", 1) for line in output.read_text().splitlines())
        context |= {f"steps.{step.get('id')}.outputs.{name}": value for name, value in lines.items()}
        if done.returncode:
            break
    return codes, printed


def context_of(environment: dict[str, str], **more: str) -> dict[str, str]:
    return {
        "vars.EXPORT_PORTAL": environment["PORTAL"],
        "vars.EXPORT_PROJECT": environment["PROJECT"],
        "secrets.EXPORT_PORTAL_TOKEN": environment["TOKEN"],
        "github.run_id": "4711",
    } | more


@pytest.mark.slow(seconds=30)
def test_the_steps_leave_the_checked_file(
    portal: Installation, environment: dict[str, str], job: dict[str, Any], tmp_path: Path
) -> None:
    need_programs("curl", "jq", "sha256sum")
    codes, printed = run_steps(job, tmp_path, context_of(environment))
    assert codes == [0, 0, 0], printed
    (file,) = (tmp_path / "file").iterdir()
    export = portal.api("GET", "/exports?limit=1").json()["exports"][0]
    assert (file.name, hashlib.sha256(file.read_bytes()).hexdigest()) == (
        export["file"]["name"],
        export["file"]["sha256"],
    )
    assert environment["TOKEN"] not in printed
    (tmp_path / "again").mkdir()
    codes, printed = run_steps(job, tmp_path / "again", context_of(environment))
    assert codes == [0, 0, 0], printed
    assert portal.api("GET", "/exports?limit=1").json()["exports"][0]["id"] == export["id"]


@pytest.mark.slow(seconds=10)
def test_a_failed_export_fails_the_run_with_its_reason(
    portal: Installation, module_sandbox: Sandbox, environment: dict[str, str], job: dict[str, Any], tmp_path: Path
) -> None:
    need_programs("curl", "jq")
    failing = str(portal.project(TABLES, module_sandbox.origin(TABLES), "4122"))
    context = context_of(environment) | {"vars.EXPORT_PROJECT": failing, "github.run_id": "4712"}
    codes, printed = run_steps(job, tmp_path, context)
    assert codes == [0, 1]
    assert "::error::" in printed


def test_what_is_uploaded_is_what_was_downloaded(job: dict[str, Any]) -> None:
    (upload,) = (step for step in job["steps"] if "uses" in step)
    assert re.fullmatch(r"actions/upload-artifact@v\d+", upload["uses"])
    assert upload["with"]["path"] == "file/"
