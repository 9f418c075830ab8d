"""The command line ``d2r``: one command a file, loaded only when it is called."""
