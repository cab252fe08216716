"""Credentials: creating and checking them, the authenticated client, replacing secrets, re-encryption."""
