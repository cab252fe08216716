"""What pages and API share: serving files, request rates."""
