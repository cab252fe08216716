"""What the portal knows of each service: declarations, and the few calls that differ.

Values in, frozen dataclasses out: nothing here imports a model, the settings or Celery.
"""
