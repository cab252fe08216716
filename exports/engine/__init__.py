"""What the portal does: each verb once, for pages, API, commands and admin alike."""
