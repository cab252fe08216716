#!/usr/bin/env python
"""Runs the portal's commands."""

import os
import sys


def main() -> None:
    """Run the command of the command line; a problem in the settings is one sentence and exit code 1."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        # Django itself goes on without settings where a command may not need them; ours all do.
        _ = settings.INSTALLED_APPS
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
