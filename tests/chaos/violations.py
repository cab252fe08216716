"""Finds what is wrong after a storm."""

import hashlib
import os
from pathlib import Path
from typing import Any, Final

from tests.chaos.storm import Storm
from tests.helpers.roles import ARCHIVES, VIDEOS

# At these providers a job cannot be searched for, so after a lost answer a person must decide.
PROVIDERS_WITHOUT_LOOKUP: Final = (ARCHIVES, VIDEOS)


def find_violations(storm: Storm) -> list[str]:
    """The violations found, each as a sentence."""
    _sweep(storm)
    exports, histories = storm.ledger.exports(), storm.ledger.histories()
    wrong = _find_lost_or_repeated(storm, exports)
    folder = storm.portal.folder / "var"
    files: dict[int, list[Path]] = {}
    for path in (folder / "files").glob("*/*/*"):
        files.setdefault(int(path.parent.name), []).append(path)
    for number, export in exports.items():
        provider = storm.projects[export["project"]][0]
        storm.report.ended[f"{provider} {export['error'] or export['status']}"] += 1
        wrong += _find_wrong_end(number, provider, export)
        wrong += _find_gaps(number, export, histories.get(number, []))
        wrong += _find_wrong_files(number, export, files.pop(number, []))
    wrong += [f"files of no export: {paths}" for paths in files.values()]
    wrong += [f"left over: {path}" for path in (folder / "parts").glob("*")]
    return wrong


def _sweep(storm: Storm) -> None:
    """Runs the sweep of every minute, after making the parts of files old enough for it."""
    for path in (storm.portal.folder / "var" / "parts").glob("*"):
        os.utime(path, (0, 0))
        storm.report.swept += 1
    done = storm.portal.manage("shell", "-c", "from exports.housekeeping.sweep import sweep; sweep()")
    assert done.returncode == 0, done.stderr


def _find_lost_or_repeated(storm: Storm, exports: dict[int, dict[str, Any]]) -> list[str]:
    """Each request is one export, and each export has at most one job at the provider."""
    wrong = []
    if set(exports) != set(storm.created):
        wrong.append(
            f"{len(storm.created)} requests answered, {len(exports)} exports: {set(exports) ^ set(storm.created)}"
        )
    made = storm.sandbox.ledger()["jobs"]
    jobs_by_project: dict[tuple[str, str], list[str]] = {}
    for export in exports.values():
        jobs_by_project.setdefault(storm.projects[export["project"]], []).append(export["remote_id"])
    for (provider, remote_id), jobs in jobs_by_project.items():
        count, known = made.get(provider, {}).get(remote_id, 0), [job for job in jobs if job]
        if count > len(jobs):
            wrong.append(f"{provider} {remote_id}: {count} jobs for {len(jobs)} exports")
        # Some name no job, only the project. A project that is changed already needs no job of its own.
        if provider != VIDEOS and len(set(known)) < len(known):
            wrong.append(f"{provider} {remote_id}: two exports watch one job: {sorted(known)}")
    return wrong


def _find_wrong_end(number: int, provider: str, export: dict[str, Any]) -> list[str]:
    # Elsewhere only after the second request whose answer was lost as well.
    may_be_unconfirmed = provider in PROVIDERS_WITHOUT_LOOKUP or not export["may_ask_again"]
    if export["status"] == "succeeded" or (export["error"] == "unconfirmed" and may_be_unconfirmed):
        return []
    return [f"{number} ({provider}): {export['status']} {export['error']}: {export['message']}"]


def _find_gaps(number: int, export: dict[str, Any], history: list[tuple[str | None, str]]) -> list[str]:
    froms, tos = [row[0] for row in history], [row[1] for row in history]
    if froms != [None, *tos[:-1]] or tos[-1:] != [export["status"]]:
        return [f"{number}: a gap in the history {history}"]
    return []


def _find_wrong_files(number: int, export: dict[str, Any], paths: list[Path]) -> list[str]:
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    wanted = [export["sha256"]] if export["status"] == "succeeded" and export["format"] != "none" else []
    return [] if hashes == wanted else [f"{number} ({export['status']}): {paths} with {hashes}, wanted {wanted}"]
