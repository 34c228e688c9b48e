"""The exception for users' mistakes, and the words for what the system refuses."""

import errno
import getpass
import os
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class UserError(Exception):
    """A mistake that a user can correct.

    Its message says what is wrong, where, what is allowed and what to do. Command lines print it
    without a traceback and exit with status 1.
    """


def of_system(error: OSError) -> str:
    """Return what the system refuses, with the file, and what to do."""
    said = error.strerror or str(error)
    where = [str(name) for name in (error.filename, error.filename2) if name is not None]
    named = f"{' to '.join(where)}: {said}" if where else said
    if error.errno in _FULL:
        return f"{named}; make room there, and run the same command again: it goes on"
    if error.errno in (errno.EACCES, errno.EPERM) and where:
        return f"{named}; {of_another(Path(where[-1]))}"
    return named


def of_another(path: Path) -> str:
    """Return whose the file or folder is that forbids to use `path`, and what to do."""
    there = next(one for one in (path, *path.absolute().parents) if os.access(one, os.F_OK))
    if there.is_file() and os.access(there, os.R_OK | os.W_OK):
        there = there.absolute().parent  # which forbids to replace it
    mine = there.stat().st_uid == os.geteuid()
    whose = "you" if mine else f"{_owner(there)}, and you are {_me()}"
    return (
        f"{there} belongs to {whose}: {'' if mine else 'have its owner '}allow it (chmod -R"
        f" {'u' if mine else 'g'}+rwX {there}), or work in a folder of your own"
    )


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except KeyError:  # an account without a name, as in containers
        return f"account {path.stat().st_uid}"


def _me() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"account {os.geteuid()}"
