"""HTTP with the outside: client, connections, address guard, redaction. Knows no Django model."""
