"""Runs the portal's processes: starts them, passes on what they say, starts again what dies, ends all of them.

Only `prepare`, which runs before anything else in a process of its own, knows Django. The supervisor is one thread
that sleeps until a process says something or ends, a signal comes, or a restart is due.
"""
