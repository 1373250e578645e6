"""The one exception that reaches the user as a plain sentence."""


class LabError(Exception):
    """Something the laboratory cannot go on without; its text says what and where."""
