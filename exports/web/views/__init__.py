"""The page views, one module per family of pages."""
