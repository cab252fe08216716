"""`python -m exports.sandbox` runs the stand-ins without Django."""

import sys

from exports.sandbox.command import main

sys.exit(main())
