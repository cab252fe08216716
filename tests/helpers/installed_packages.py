"""Packages with a provider, as pip leaves them in a folder: modules, and the metadata that names their entry points."""

from pathlib import Path

PROVIDER = """
from datetime import timedelta
from exports.providers import contract

class Acme(contract.Provider):
    contract_version = 1
    slug = "acme"
    label = "Acme"
    docs = "https://acme.example/docs"
    origins = {"production": "https://api.acme.example"}
    secrets = (contract.SecretField("token", "Token"),)
    kinds = (contract.Kind("backup", "Backup", ("zip",), contract.NoOptions, timedelta(hours=1)),)
    status_map = {"ready": "done"}
"""


def install(folder: Path, name: str, source: str = PROVIDER, target: str = "", version: str = "1.2") -> None:
    """Puts a package of one module there: `source`, whose provider is `target` (module:Class)."""
    module = name.replace("-", "_")
    (folder / f"{module}.py").write_text(source, encoding="utf-8")
    info = folder / f"{module}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(
        f"[export_portal.providers]\n{module} = {target or f'{module}:Acme'}\n", encoding="utf-8"
    )
