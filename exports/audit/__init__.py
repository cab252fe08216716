"""The team's log of who did what. Imports models only."""
