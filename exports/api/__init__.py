"""The HTTP API: the same actions as the pages, for programs."""
