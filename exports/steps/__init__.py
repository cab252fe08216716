"""The steps that tasks run: submit, reconcile, poll, fetch, and what follows from errors."""
