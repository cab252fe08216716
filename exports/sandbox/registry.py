"""The stand-ins that are served: one for each service that `exports/shipped.py` lists."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from exports.sandbox.declaration import Declaration
from exports.sandbox.provider_base import Service
from exports.shipped import load_classes

STAND_INS: Final[tuple[type[Service], ...]] = load_classes("exports.sandbox.services")

DECLARATIONS: Final[Mapping[str, Declaration]] = MappingProxyType(
    {stand_in.declaration.slug: stand_in.declaration for stand_in in STAND_INS}
)
