"""What the Dockerfile copies, in a folder that nobody may write to, is all that another user needs to run the portal.

No container engine is needed: the files are those of its COPY lines, the virtual environment that of its script.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.other_user import as_user, need_root, python_for_others
from tests.helpers.processes import ROOT, wait_until
from tests.helpers.stub_server import free_port

pytestmark = [pytest.mark.slow(seconds=60), pytest.mark.timeout(400)]

COPY = re.compile(r"^COPY (?!--from)(.+) (\S+)$", re.MULTILINE)
USER = "daemon"


def copy_what_the_image_holds(target: Path) -> None:
    """Does the COPY lines of the Dockerfile's last stage. Without what a clone does not have."""
    last_stage = (ROOT / "docs" / "deploy" / "Dockerfile").read_text().rpartition("\nFROM ")[2]
    for sources, place in COPY.findall(last_stage):
        for source in sources.split():
            is_folder = (ROOT / source).is_dir()
            to = target / place if is_folder else target / place / Path(source).name
            to.parent.mkdir(parents=True, exist_ok=True)
            if is_folder:
                shutil.copytree(ROOT / source, to, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
            else:
                shutil.copy(ROOT / source, to)


@pytest.fixture
def image() -> Iterator[Path]:
    """A folder with `app`, `venv`, and `data`, which alone belongs to the user."""
    need_root()
    folder = Path(tempfile.mkdtemp(prefix="image-"))
    try:
        folder.chmod(0o755)
        copy_what_the_image_holds(folder / "app")
        environment = {**os.environ, "PYTHON": python_for_others(folder)}
        subprocess.run(
            ["sh", "docs/deploy/bin/install.sh", str(folder / "venv")],
            cwd=folder / "app", env=environment, check=True, capture_output=True, timeout=200,
        )  # fmt: skip
        subprocess.run(["chmod", "-R", "a-w,a+rX", str(folder / "app"), str(folder / "venv")], check=True)
        (folder / "data").mkdir()
        shutil.chown(folder / "data", USER)
        yield folder
    finally:
        subprocess.run(["chmod", "-R", "u+w", str(folder)], check=True)
        shutil.rmtree(folder)


def names(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def test_it_prepares_serves_and_is_healthy_and_writes_nothing_beside_its_data(image: Path) -> None:
    before, port = names(image / "app"), free_port()
    environment = {
        "PATH": "/usr/bin:/bin",
        "VENV": str(image / "venv"),
        "DATA_DIR": str(image / "data"),
        "HOME": "/nonexistent",
        "BIND": f"127.0.0.1:{port}",
    }

    def command(*arguments: str) -> list[str]:
        return [*as_user(USER), "sh", str(image / "app" / "docs" / "deploy" / "bin" / "start.sh"), *arguments]

    done = subprocess.run(command("prepare"), env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with (image / "web.log").open("wb") as log:
        web = subprocess.Popen(command("web"), env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        healthy = [str(image / "venv" / "bin" / "python"), str(image / "app/docs/deploy/bin/healthy.py"), "web"]
        wait_until(
            lambda: subprocess.run([*as_user(USER), *healthy], env=environment, check=False).returncode == 0,
            60,
            lambda: (image / "web.log").read_text(),
        )
    finally:
        web.terminate()
        web.wait(30)
    assert names(image / "app") == before
