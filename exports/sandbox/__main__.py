"""`python -m exports.sandbox`: the stand-ins without Django."""

import sys

from exports.sandbox.command import main

sys.exit(main())
