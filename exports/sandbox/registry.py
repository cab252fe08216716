"""The stand-ins that are served. A new one needs a line in STAND_INS and nothing else outside its own file."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from exports.sandbox.declaration import Declaration
from exports.sandbox.provider_base import Service
from exports.sandbox.services.aistudios import AIStudios
from exports.sandbox.services.github import GitHub
from exports.sandbox.services.gitlab import GitLab
from exports.sandbox.services.playcanvas import PlayCanvas
from exports.sandbox.services.toloka import Toloka
from exports.sandbox.services.ulule import Ulule
from exports.sandbox.services.youtrack import YouTrack

STAND_INS: Final[tuple[type[Service], ...]] = (
    PlayCanvas,
    AIStudios,
    Toloka,
    Ulule,
    GitLab,
    GitHub,
    YouTrack,
)

DECLARATIONS: Final[Mapping[str, Declaration]] = MappingProxyType(
    {stand_in.declaration.slug: stand_in.declaration for stand_in in STAND_INS}
)
