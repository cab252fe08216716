#!/usr/bin/env python
"""Runs the portal's commands."""

import os
import sys
from pathlib import Path

VENV = Path(__file__).resolve().parent / ".venv" / "bin" / "python"


def switch_to_venv() -> None:
    """Replaces this process by the virtual environment's Python when this one lacks the portal's packages."""
    try:
        import celery  # noqa: F401
        import django  # noqa: F401
        import environ  # noqa: F401
    except ImportError:
        if VENV.exists() and Path(sys.prefix) != VENV.parent.parent:
            os.execv(VENV, [str(VENV), *sys.argv])  # noqa: S606
        sys.exit("The portal's packages are not installed. `make run` installs them and starts the portal.")


def main() -> None:
    """Runs the command of the command line; an error in the settings is one sentence and exit code 1."""
    switch_to_venv()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db.utils import OperationalError, ProgrammingError

    from exports.languages import of_terminal
    from exports.sentences import in_language

    try:
        # Django runs some commands without settings; the portal's commands all need them.
        _ = settings.INSTALLED_APPS
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as problem:
        sys.exit(in_language(str(problem), of_terminal()))
    except (OperationalError, ProgrammingError) as problem:
        reason = str(problem).strip().splitlines() or [type(problem).__name__]
        text = (
            f"The database is not ready ({reason[0]}). `manage.py migrate` prepares it, as `manage.py up` does by"
            " itself; `manage.py doctor` says what is wrong."
        )
        sys.exit(in_language(text, of_terminal()))


if __name__ == "__main__":
    main()
