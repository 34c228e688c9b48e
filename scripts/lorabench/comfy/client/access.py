"""Log in to a server, and choose the trusted certificates."""

import os
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from string import punctuation
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from lorabench.comfy.client import http
from lorabench.errors import UserError
from lorabench.settings.servers import LOGINS, has_login, public, shown, split_url, with_login

CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
"""Variables with a file of certificate authorities; the first that is set counts."""

HOW_TO_LOG_IN = (
    f"put them into comfy_url (https://name:password@host), into the variable {LOGINS} (the same"
    " URL) or into ~/.netrc; a token goes behind the URL (https://host/?token=…)"
)


@dataclass(frozen=True)
class Access:
    """A server's public URL, and the login, which only the server may see."""

    url: str
    authorization: str = field(default="", repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of each request."""
        return {"Authorization": self.authorization} if self.authorization else {}

    def websocket(self, path: str, **query: str) -> tuple[str, dict[str, Any]]:
        """Return the address of a websocket, and the options that open it."""
        address = f"ws{self.url.removeprefix('http')}{path}"
        trusted = certificates()
        kind = "ca_cert_path" if Path(trusted).is_dir() else "ca_certs"
        options = {"header": self.headers, "sslopt": {kind: trusted}}
        return f"{address}?{urlencode({**query, **self.query})}", options


def access_to(url: str) -> Access:
    """Return the access to a server; its login is in the URL, in the environment or in ~/.netrc.

    Raises `UserError`: it is no URL, or the variable with logins holds something else.
    """
    try:
        found = url if has_login(url) else _of_environment(public(url))
    except ValueError as error:
        raise UserError(f"comfy_url: {shown(url)}: {error}") from None
    parts = split_url(found)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Access(public(url), _authorization(public(url), parts, query), query)


def _authorization(url: str, parts: SplitResult, query: Mapping[str, str]) -> str:
    """Return the header; it also has a token, because hosts differ in where they look for it."""
    if "token" in query and "@" not in parts.netloc:
        return f"Bearer {quote(query['token'], safe=punctuation)}"
    if "@" in parts.netloc:
        login = unquote(parts.username or ""), unquote(parts.password or "")
    else:
        login = None if query else _of_netrc(url)
    return f"Basic {b64encode(':'.join(login).encode()).decode()}" if login else ""


def _of_netrc(url: str) -> tuple[str, str] | None:
    """Return the name and the password in the file of `NETRC`, or in that of the home folder."""
    named = os.environ.get("NETRC")
    for path in (named,) if named else ("~/.netrc", "~/_netrc"):
        file = Path(path).expanduser()
        if not file.exists():
            continue
        from netrc import NetrcParseError, netrc  # few have one

        with suppress(NetrcParseError, OSError):
            found = netrc(file).authenticators(urlsplit(url).hostname or "")
            return (found[0] or found[1] or "", found[2] or "") if found else None
    return None


def _of_environment(url: str) -> str:
    try:
        return with_login(url)
    except ValueError:
        raise UserError(
            f"the variable {LOGINS} should hold URLs such as https://name:password@host, separated"
            " by spaces; in a name or password, write @ as %40, / as %2F and a space as %20"
        ) from None


def certificates() -> str:
    """Return the file or folder of trusted certificates; `UserError` if a variable's is missing."""
    return named_certificates() or http.usual_certificates()


def named_certificates() -> str | None:
    """Return those that a variable names; None without one, `UserError` if they are missing."""
    for variable in CERTIFICATES:
        if path := os.environ.get(variable):
            if not Path(path).exists():
                raise UserError(f"the variable {variable}: there is no file or folder {path}")
            return path
    return None
