"""Stand-ins for the providers over HTTP, without an account at any of them.

Their answers follow the published documents and public clients of the services; nothing here connects to them.
The package shares no code with the portal's provider modules, so that a mistake there is not repeated here. It needs
only the standard library, and no Django.
"""
