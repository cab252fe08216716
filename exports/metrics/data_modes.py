"""Who else on this machine can look into the data directory."""

import stat
from pathlib import Path

from django.conf import settings
from django.db import connection

from portal.private_files import OWN_NAMES, open_to_others


def check_modes(folder: Path) -> str:
    """Returns a clause about a data directory that others may look into; ValueError when they can read what is in it.

    The portal gives what is in it modes of its own, but cannot where it belongs to another user.
    """
    folder = folder.resolve()  # A link has no mode of its own.
    is_embedded = connection.vendor == "sqlite"
    database_files = [Path(settings.DATABASES["default"]["NAME"])] if is_embedded else []
    contents = open_to_others(*(folder / name for name in OWN_NAMES), *database_files)
    mode = open_to_others(folder).get(folder, 0)
    if mode & stat.S_IWOTH:
        raise ValueError(
            f"Other users of this machine can put keys and files in the place of the portal's: {folder} has"
            f" mode {mode:o}: chmod 700 {folder}."
        )
    if contents and (mode or set(contents) - {folder / name for name in OWN_NAMES}):
        names = ", ".join(f"{path} (mode {found:o})" for path, found in contents.items())
        raise ValueError(f"Other users of this machine can open {names}: take their rights away with chmod go=.")
    if mode & stat.S_IWGRP:
        return f"; the folder's group may replace what is in it (mode {mode:o}): chmod 700 {folder}"
    if mode:
        return f"; the folder is open to other users (mode {mode:o}), who see names but no contents: chmod 700 {folder}"
    return ""
