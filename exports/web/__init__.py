"""The pages for people: views, forms, addresses."""
