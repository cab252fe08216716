"""HTTP with other hosts: client, connections, address guard, links and redirects, redaction. Knows no Django model."""
