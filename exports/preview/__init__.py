"""Previews of kept files without a download: tables, archives, videos."""
