"""Signing in: how the portal wants django-allauth to do it."""
