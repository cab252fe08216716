"""Sign-in with django-allauth: its adapters, forms and URLs."""
