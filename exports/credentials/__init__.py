"""Credentials: adding and testing them, an authenticated client, replacing secrets, rotating keys."""
