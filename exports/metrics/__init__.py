"""Figures about who works and how much."""
