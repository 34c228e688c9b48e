"""Explain why a server gives no answer of its own, and what helps if waiting does not."""

import re
import socket
import ssl
from contextlib import suppress
from http.client import HTTPException
from urllib.parse import urljoin, urlsplit

from lorabench.comfy.client.access import CERTIFICATES, HOW_TO_LOG_IN, Access, certificates
from lorabench.comfy.client.http import Answer

AWAY = (502, 503, 504, 520, 521, 522, 523, 524, 530)
"""Answers of a proxy in front of a restarting server; those from 520 on are Cloudflare's."""

PLAIN = re.compile("plain http|http request to an https", re.IGNORECASE)
QUERY = re.compile(r"\?[^\s)'\"]*")
UNTRUSTED = re.compile(r"certificate verify failed: (.*?) \(_ssl")


class Outage(Exception):
    """A request without an answer of ComfyUI's own."""

    def __init__(
        self,
        problem: str,
        *,
        down: bool = False,
        remedy: str = "",
        advice: str = "see its own log",
        odd: bool = False,
    ) -> None:
        """`down`: the server may come back; `remedy`: it will not; `advice`: if this lasts.

        `odd`: something answers that may be no ComfyUI.
        """
        super().__init__(problem)
        self.down = down
        self.odd = odd
        self.remedy = remedy
        self.advice = advice


def of_error(error: Exception, url: str) -> Outage:
    """Return the outage for an exception that a request to `url` raised."""
    text = QUERY.sub("?…", str(error))  # which may hold a token
    if isinstance(error, ssl.SSLError):
        return _of_tls(text, url)
    if isinstance(error, TimeoutError):
        return Outage("timed out", down=True)
    if isinstance(error, ConnectionRefusedError):
        return Outage("connection refused", down=True)
    if isinstance(error, socket.gaierror | UnicodeError):
        return Outage("unknown host", down=True)
    if isinstance(error, ConnectionError | HTTPException):
        return _of_https(url) or Outage("connection dropped", down=True)
    return Outage(f"{type(error).__name__}: {text}"[:200], down=True)


def of_answer(response: Answer, path: str, access: Access) -> Outage | None:
    """Return the outage for an answer that is not ComfyUI's; None if it may be ComfyUI's."""
    status = response.status_code
    if status >= 500:
        text = "" if is_page(response) else " ".join(QUERY.sub("?…", response.text).split())[:200]
        return Outage(f"HTTP {status} {text}".rstrip(), down=status in AWAY)
    if response.is_redirect:
        return _of_redirect(response, path)
    if status == 407:
        return Outage(
            "is behind a proxy that wants a name and a password (HTTP 407)",
            remedy="lorabench does not log in to proxies: write ComfyUI's own address in comfy_url,"
            " or use a tunnel (ssh -L 8188:127.0.0.1:8188 <its machine>)",
        )
    if status == 429:
        return Outage(
            "too many requests (HTTP 429) for a proxy or host in front of ComfyUI",
            advice="have the limit raised, or send fewer at once: --resources comfyui=1",
        )
    if status == 401 or (status == 403 and path != "/view"):  # /view guards its own folders
        return _of_login(response, access)
    if status == 400 and PLAIN.search(response.text):
        return _https(access.url)
    return None


def of_odd(response: Answer, path: str, problem: object) -> Outage:
    """Return the outage for an answer that cannot be understood; a proxy may have cut it short."""
    what = "a web page" if is_page(response) else problem
    return Outage(
        f"{path} answered HTTP {response.status_code}, but not as ComfyUI does ({what})",
        advice="does a proxy, a login page or another program answer in its place? Check comfy_url",
        odd=True,
    )


def hint(url: str) -> str:
    """Return a hint on a URL where nobody answers."""
    if urlsplit(url).hostname in ("0.0.0.0", "::"):
        return (
            "; 0.0.0.0 only says that a server listens on all of its addresses: write 127.0.0.1,"
            " or the name or address of its machine"
        )
    return ""


def is_page(response: Answer) -> bool:
    """Whether an answer is a web page."""
    return "html" in response.headers.get("Content-Type", "") or response.text[:1] == "<"


def _of_login(response: Answer, access: Access) -> Outage:
    status = f"(HTTP {response.status_code})"
    wanted = (response.headers.get("WWW-Authenticate") or "Basic").split()[0]
    if wanted.lower() not in ("basic", "bearer"):
        return Outage(
            f"wants a login of the kind {wanted} {status}",
            remedy="lorabench has names with passwords (Basic) and tokens (?token=…) only",
        )
    if access.authorization or access.query:
        return Outage(
            f"does not accept the name and password, or the token, that it was given {status}",
            remedy=f"correct them, or {HOW_TO_LOG_IN}",
        )
    if response.status_code == 401:
        return Outage(f"wants a name and a password {status}", remedy=HOW_TO_LOG_IN)
    return Outage(
        f"does not let lorabench in {status}",
        remedy=f"if it wants a name and a password, {HOW_TO_LOG_IN}",
    )


def _of_redirect(response: Answer, path: str) -> Outage:
    """Return where a server redirects to, without the query, which may hold a secret."""
    where = urlsplit(urljoin(response.url, response.headers["Location"]))
    place = f"{where.scheme}://{where.netloc.rpartition('@')[2]}{where.path}"
    problem = f"redirects to {place} (HTTP {response.status_code})"
    if place.endswith(path) and not response.url.startswith(place):
        return Outage(problem, remedy=f"write comfy_url={place.removesuffix(path)}")
    return Outage(
        problem,
        remedy=f"if that is a login page and takes a name and a password, {HOW_TO_LOG_IN}; if"
        " not, start ComfyUI without such a page in front of it, or correct comfy_url",
    )


def _of_tls(text: str, url: str) -> Outage:
    """Return what is wrong with a certificate, or that there is none."""
    if "WRONG_VERSION_NUMBER" in text or "RECORD_LAYER_FAILURE" in text:
        return Outage(
            "does not speak https", remedy=f"write comfy_url=http{url.removeprefix('https')}"
        )
    if "NO_CERTIFICATE_OR_CRL_FOUND" in text:
        return Outage(
            f"cannot be checked: {certificates()} holds no certificate",
            remedy=f"name another file in {' or '.join(CERTIFICATES)}",
        )
    found = UNTRUSTED.search(text)
    if not found:
        return Outage(f"https failed: {text}"[:200], down=True)
    reason = found[1]
    host = urlsplit(url).netloc
    if "expired" in reason:
        remedy = "renew it on the server"
    elif "mismatch" in reason or "valid for" in reason:
        remedy = "write the certificate's name in comfy_url"
    else:
        remedy = (
            f"save it, or that of its authority, in a file (openssl s_client -connect {host}"
            " -showcerts </dev/null prints it) and set REQUESTS_CA_BUNDLE=<that file>"
        )
    return Outage(f"has a certificate that is not trusted: {reason}", remedy=remedy)


def _of_https(url: str) -> Outage | None:
    """Check whether a server that drops plain connections speaks https."""
    parts = urlsplit(url)
    if parts.scheme != "http":
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # only a handshake: nothing is sent
    with (
        suppress(OSError),
        socket.create_connection((parts.hostname, parts.port or 80), 5) as plain,
        context.wrap_socket(plain, server_hostname=parts.hostname),
    ):
        return _https(url)
    return None


def _https(url: str) -> Outage:
    return Outage("speaks https, not http", remedy=f"write comfy_url=https{url[4:]}")
