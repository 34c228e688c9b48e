"""The exception for users' mistakes."""


class UserError(Exception):
    """A mistake that a user can correct.

    Its message says what is wrong, where, what is allowed and what to do. Command lines print it
    without a traceback and exit with status 1.
    """
