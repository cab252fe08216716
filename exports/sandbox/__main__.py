"""`python -m exports.sandbox`: the stand-ins without Django."""

import sys

from .command import main

sys.exit(main())
