"""Teams, members, invitations, tokens, second factors and sessions."""
