"""Where a benchmark is rendered, as `comfy_url` says it. Logins are kept apart from the URLs.

A URL that a user gives may hold a login, as in `https://name:password@host` or `…/?token=secret`.
What is recorded, shown and passed on in command lines is the public URL, without it. Jobs take the
login from the environment, where `lend` puts it and where a user may put it, too.
"""

import os
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import SplitResult, urlsplit

EMBEDDED = ("embedded",)
LOGINS = "COMFY_LOGINS"
"""The environment variable with the URLs that hold a login, separated by spaces."""

_ALLOWED = (
    "allowed: embedded, or URLs such as http://127.0.0.1:8188, http://[::1]:8188 or"
    " https://name:password@host/path; within a name, a password or a token, write @ as %40, / as"
    " %2F, : as %3A, ? as %3F, # as %23, % as %25 and a comma as %2C"
)
_SCHEMELESS = re.compile(r"(localhost|[\w-]+(\.[\w-]+)+|[\w-]+(?=:\d))(:\d+)?(/[\w./-]*)?")
"""A host with a dot or a port, and perhaps a path."""


def servers(given: Iterable[Any]) -> tuple[str, ...]:
    """Return the public URLs, each once, or `EMBEDDED`; raises `ValueError` for anything else."""
    urls = tuple(str(url).strip() for url in given)
    return urls if urls == EMBEDDED else tuple(dict.fromkeys(map(public, urls)))


def public(url: str) -> str:
    """Return a URL without its login, query, fragment and last slash; raises `ValueError`."""
    parts = split_url(url)
    host = parts.netloc.rpartition("@")[2].lower()
    return f"{parts.scheme}://{host}{parts.path.rstrip('/')}"


def split_url(url: str) -> SplitResult:
    """Return the parts of a server's URL; the `ValueError` for any other text does not show it."""
    try:
        parts = urlsplit(url.strip())
        labels = (parts.hostname or "").removesuffix(".").split(".")
        sound = all(0 < len(label) < 64 for label in labels) and parts.port != 0
        sound = sound and parts.scheme in ("http", "https")
    except ValueError:  # no port, or no IPv6 address
        parts, sound = SplitResult("", "", "", "", ""), False
    # An @ behind the host is more likely one that a password has than one of a path.
    if not sound and _SCHEMELESS.fullmatch(url.strip()):
        raise ValueError(f"did you mean http://{url.strip()}?")
    if not sound or "@" in parts.path + parts.query + parts.fragment or len(url.split()) != 1:
        raise ValueError(_ALLOWED)
    return parts


def shown(value: Any) -> str:
    """Return a `comfy_url` that is refused as its message may show it."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value))}]"
    return "(not shown: it may hold a password)" if set("@?") & set(str(value)) else repr(value)


def recorded(urls: Any) -> Any:
    """Return the `comfy_url` of a record without logins, which older records hold."""
    if not isinstance(urls, list) or urls == list(EMBEDDED):
        return urls
    return list(dict.fromkeys(_public_or_hidden(str(url)) for url in urls))


def _public_or_hidden(url: str) -> str:
    try:
        return public(url)
    except ValueError:
        return shown(url).strip("'")


def lend(urls: Iterable[str]) -> None:
    """Give the logins in `urls` to the programs that this process starts."""
    new = [url.strip() for url in urls if (url,) != EMBEDDED and has_login(url)]
    if new:
        kept = os.environ.get(LOGINS, "").split()
        os.environ[LOGINS] = " ".join(dict.fromkeys([*new, *kept]))


def without_logins(words: Iterable[str], urls: Iterable[str]) -> list[str]:
    """Return the words of a command line with these URLs in their public form."""
    shorter = {url: public(url) for url in urls if (url,) != EMBEDDED}
    words = list(words)
    for url, place in shorter.items():
        words = [word.replace(url, place) for word in words]
    return words


def has_login(url: str) -> bool:
    """Whether a URL holds a login."""
    parts = split_url(url)
    return "@" in parts.netloc or bool(parts.query)


def with_login(url: str) -> str:
    """Return a public URL with its login from the environment, if that has one.

    A login counts for all that lies below its URL; the nearest one wins. Raises `ValueError` for
    a variable that cannot be read.
    """
    known = {one: public(one) for one in os.environ.get(LOGINS, "").split()}
    above = [one for one, place in known.items() if f"{url}/".startswith(f"{place}/")]
    return max(above, key=lambda one: len(known[one]), default=url)
