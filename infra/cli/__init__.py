"""The owner's command line: projects, submissions, hooks and exports over the public API of any formrelay server.

``python -m infra.cli --help``. It needs ``requests`` and nothing of the server's own code.
"""
