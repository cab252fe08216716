"""Periodic clean-up: leftovers of crashes, and rows that have expired."""
