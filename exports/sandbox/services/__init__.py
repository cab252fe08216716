"""The stand-ins, listed in `exports/sandbox/registry.py`: a file each; files that begin with its slug belong to it."""
