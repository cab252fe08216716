"""What pages and API share: serving files, throttling, the client's address."""
