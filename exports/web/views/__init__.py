"""The views, one file per family of pages."""
