"""Measurements: `make bench`. They print figures, and end with 1 when one is past its limit."""
