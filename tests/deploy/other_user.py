"""What stands in for systemd in tests: it starts the units' own lines, with their settings, as their user."""

import os
import pwd
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.helpers.documented_blocks import need_programs

SITE_PACKAGES = next(path for path in sys.path if path.endswith("site-packages"))
# For install.sh: a Python whose virtual environments see the packages that the suite runs with, so that pip downloads
# nothing that is there already. That the lock can be installed at all is shown by `make test` in a fresh clone.
PYTHON_SCRIPT = """#!/bin/sh
{python} "$@" || exit
[ "$1 $2" != "-m venv" ] || echo {packages} > "$3/lib/python{version}/site-packages/installed.pth"
"""


def need_root() -> None:
    """Skips the test where it may not become another user."""
    need_programs("setpriv", "useradd")
    if os.geteuid() != 0:
        pytest.skip("Only root can start something as another user: the page was not followed.")


def as_user(name: str) -> list[str]:
    """What to put before a command, to run it as this user."""
    return ["setpriv", "--reuid", name, "--regid", name, "--init-groups", "--no-new-privs"]


def python_for_others(folder: Path) -> str:
    """A program in the folder: a Python of the suite's version that every user may run. Skips the test without one."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for python in (os.path.realpath(sys.executable), shutil.which(f"python{version}", path="/usr/bin:/usr/local/bin")):
        command = [
            "setpriv",
            "--reuid",
            "65534",
            "--regid",
            "65534",
            "--clear-groups",
            "sh",
            "-c",
            f"{python} -m ensurepip --version",
        ]
        if python and subprocess.run(command, capture_output=True, check=False).returncode == 0:
            script = folder / "python"
            script.write_text(PYTHON_SCRIPT.format(python=python, packages=SITE_PACKAGES, version=version))
            script.chmod(0o755)
            return str(script)
    pytest.skip(f"No Python {version} that other users may run: the page was not followed.")


def read_environment(path: Path) -> dict[str, str]:
    """The variables of a file as EnvironmentFile reads them: lines with a name and a plain value."""
    lines = (line.strip() for line in path.read_text().splitlines())
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def started_by(target: Path) -> list[tuple[str, str]]:
    """The units that a target wants, each with its instance or ""."""
    names = re.findall(r"\S+\.service", " ".join(re.findall(r"^Wants=(.*)$", target.read_text(), re.MULTILINE)))
    return [(re.sub(r"@.*\.", "@.", name), name.partition("@")[2].removesuffix(".service")) for name in names]


def start_unit(unit: Path, instance: str, log: Path) -> "subprocess.Popen[bytes]":
    """Starts what the unit would start, as its user, in a process group of its own."""
    text = unit.read_text().replace("%i", instance)

    def value(name: str) -> str:
        return "".join(re.findall(rf"^{name}=(.*)$", text, re.MULTILINE))

    user = pwd.getpwnam(value("User"))
    environment: Mapping[str, str] = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": user.pw_dir,
        **read_environment(Path(value("EnvironmentFile"))),
        **dict(line.split("=", 1) for line in re.findall(r"^Environment=(.*)$", text, re.MULTILINE)),
    }
    with log.open("wb") as out:
        return subprocess.Popen(
            [*as_user(user.pw_name), *value("ExecStart").split()],
            env=environment,
            cwd=value("WorkingDirectory"),
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
