"""Stand-in providers: PlayCanvas, AI Studios, Toloka and Ulule over HTTP, without an account at any of them.

What they answer follows the published documents and public clients of the four services; nothing here talks to them.
This package shares no code with the portal's provider modules, on purpose: a mistake there must not be repeated here.
It needs the standard library only, and no Django.
"""
