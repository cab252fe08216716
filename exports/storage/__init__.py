"""Files on disk: parts and kept files, downloading, content checks, the download log."""
