"""The command line: the same functions as the app, without the app."""
