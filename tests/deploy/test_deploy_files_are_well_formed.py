"""The files of docs/deploy are what the programs that read them accept, and they start nothing but documented parts."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helpers.documented_blocks import need_programs
from tests.helpers.processes import ROOT

DEPLOY = ROOT / "docs" / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
PARTS = {"web", "submit", "poll", "fetch", "beat", "prepare"}
EXEC_START = re.compile(r"^ExecStart=/bin/sh /opt/export-portal/docs/deploy/bin/start\.sh (\w+)$", re.MULTILINE)
EXPOSURE = re.compile(r"Overall exposure level for \S+: ([\d.]+)")
# The unit with the least rights that a program which calls out and writes one folder can do with.
MAX_EXPOSURE = 2.0
NGINX_MAIN = (
    "pid {folder}/nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{ access_log off; include {folder}/site.conf; }}\n"
)


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def assert_accepted(done: "subprocess.CompletedProcess[str]") -> None:
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    need_programs("openssl")
    key, cert = str(tmp_path / "privkey.pem"), str(tmp_path / "fullchain.pem")
    names = ("-subj", "/CN=portal.example.org", "-keyout", key, "-out", cert)
    assert_accepted(run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names))
    return tmp_path


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return loaded


def test_hadolint_accepts_the_dockerfile() -> None:
    need_programs("hadolint")
    assert_accepted(run("hadolint", str(DEPLOY / "Dockerfile")))


def test_shellcheck_accepts_the_scripts() -> None:
    need_programs("shellcheck")
    scripts = [str(path) for path in sorted((DEPLOY / "bin").iterdir()) if path.read_text().startswith("#!/bin/sh")]
    assert len(scripts) == 4
    assert_accepted(run("shellcheck", "--exclude=SC1091", *scripts))


def test_the_dockerfile_runs_only_scripts_that_the_suite_runs_too() -> None:
    text = re.sub(r"\\\n\s*", "", (DEPLOY / "Dockerfile").read_text())
    runs = re.findall(r"^RUN (.*)$", text, re.MULTILINE)
    assert runs[0] == "sh docs/deploy/bin/install.sh /opt/venv"
    assert re.fullmatch(r"useradd --system .* portal && install -d -o portal -g portal -m 700 /data", runs[1])
    assert len(runs) == 2
    assert 'ENTRYPOINT ["sh", "docs/deploy/bin/start.sh"]' in text
    assert re.search(r"^USER 10001$", text, re.MULTILINE)
    copied = {word for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE) for word in line.split()[:-1]}
    kept = {line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == kept


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    need_programs("systemd-analyze")
    for unit in UNITS:
        shutil.copy(unit, tmp_path)
    names = [str(tmp_path / unit.name.replace("@.", "@8001.")) for unit in UNITS]
    assert_accepted(run("systemd-analyze", "verify", "--man=no", *names))


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.suffix == ".service"], ids=lambda unit: unit.stem)
def test_units_have_few_rights(unit: Path, tmp_path: Path) -> None:
    need_programs("systemd-analyze")
    copy = tmp_path / unit.name.replace("@.", "@8001.")
    shutil.copy(unit, copy)
    done = run("systemd-analyze", "security", "--offline=yes", "--no-pager", str(copy))
    found = EXPOSURE.search(done.stdout)
    assert found, done.stderr
    assert float(found[1]) <= MAX_EXPOSURE


def test_units_and_containers_start_every_part_by_the_same_script() -> None:
    started = [part for unit in UNITS for part in EXEC_START.findall(unit.read_text())]
    assert sorted(started) == sorted(PARTS)
    services = {name: each for name, each in compose()["services"].items() if each.get("image") == "export-portal"}
    assert {name: each["command"] for name, each in services.items()} == {part: [part] for part in PARTS}
    script = (DEPLOY / "bin" / "start.sh").read_text()
    assert set(re.findall(r"^(\w+)\)", script, re.MULTILINE)) == PARTS | {"manage"}


def test_containers_are_not_root_and_write_only_their_volume() -> None:
    for name, service in compose()["services"].items():
        if service.get("image") != "export-portal":
            continue
        assert (service["user"], service["read_only"], service["cap_drop"]) == ("10001", True, ["ALL"]), name
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["volumes"] == ["data:/data"]
        secrets = {variable for variable in service["environment"] if variable.endswith("_FILE")}
        assert secrets == {"SECRET_KEY_FILE", "CREDENTIAL_KEYS_FILE", "DATABASE_URL_FILE"}
        assert name == "prepare" or service["healthcheck"]["test"][-1] == name


@pytest.mark.parametrize("name", ["nginx.conf", "nginx-compose.conf"])
def test_nginx_accepts_the_samples(certificate: Path, name: str) -> None:
    need_programs("nginx")
    text = (DEPLOY / "proxy" / name).read_text()
    text = re.sub(r"/etc/(export-portal|nginx)/tls", str(certificate), text)
    (certificate / "site.conf").write_text(text)
    (certificate / "nginx.conf").write_text(NGINX_MAIN.format(folder=certificate))
    assert_accepted(run("nginx", "-t", "-c", str(certificate / "nginx.conf")))


def test_both_samples_of_nginx_say_the_same() -> None:
    def server_blocks(name: str) -> str:
        text = (DEPLOY / "proxy" / name).read_text().partition("\nserver {")[2]
        # Docker's replicas come and go, so their name is looked up while nginx runs.
        text = re.sub(r"        #[^\n]*\n        set \$\w+ \S+;\n", "", text).replace("http://$export", "http://export")
        return re.sub(r"/etc/(export-portal|nginx)/tls", "TLS", re.sub(r"server_name \S+;", "", text))

    assert server_blocks("nginx.conf") == server_blocks("nginx-compose.conf")


def test_caddy_accepts_the_sample() -> None:
    need_programs("caddy")
    assert_accepted(run("caddy", "validate", "--adapter", "caddyfile", "--config", str(DEPLOY / "proxy" / "Caddyfile")))
