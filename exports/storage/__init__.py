"""Kept files: writing, downloading, verifying, opening archives safely, download receipts."""
