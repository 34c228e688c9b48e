"""How servers let a client in: logins, certificates, and what stands before a server."""

import logging
import shutil
import ssl
import subprocess
from base64 import b64encode
from contextlib import contextmanager

import pytest

from lorabench.comfy.client import http, progress
from lorabench.comfy.client.access import CERTIFICATES
from lorabench.comfy.client.client import Client
from lorabench.comfy.client.shapes import QUEUE
from lorabench.comfy.client.transport import Pace, Refused, Transport
from lorabench.errors import UserError
from lorabench.settings.servers import LOGINS
from tests.fake_comfy import serving

PACE = Pace(backoff=0.005, greeting=0.05, patience=0.05, listen=0.01, report=0)
GRAPH = {
    "1": {"class_type": "EmptyLatentImage", "inputs": {"batch_size": 1}},
    "2": {"class_type": "KSampler", "inputs": {"seed": 5, "latent_image": ["1", 0]}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "a/b/s"}},
}


@pytest.fixture(autouse=True)
def nobody_is_known(monkeypatch, tmp_path):
    for variable in (LOGINS, *CERTIFICATES):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


@pytest.fixture
def fake():
    with serving() as server:
        yield server


def basic(text):
    return f"Basic {b64encode(text.encode()).decode()}"


def with_user(url, user):
    return url.replace("://", f"://{user}@")


def ask(url):
    return Transport(url, PACE).get_json("/queue", QUEUE)


def refusal(url, kind=Refused):
    with pytest.raises(kind) as caught:
        ask(url)
    return str(caught.value)


def test_a_name_and_a_password_in_the_url_let_in_and_are_never_shown(fake, caplog):
    caplog.set_level(logging.DEBUG)
    fake.login = basic("mé:pass wörd/秘密")
    url = with_user(fake.url, "m%C3%A9:pass%20w%C3%B6rd%2F%E7%A7%98%E5%AF%86")
    client = Client(url, pace=PACE)
    assert len(client.render(GRAPH, "3", 1)) == 1
    assert client.url == fake.url
    assert "C3%A9" not in caplog.text + repr(client._server.access)


def test_so_do_a_token_the_variable_and_netrc(fake, monkeypatch, tmp_path):
    fake.login = "a token"
    assert len(Client(f"{fake.url}/?token=a%20token", pace=PACE).render(GRAPH, "3", 1)) == 1
    fake.login = basic("me:secret")
    monkeypatch.setenv(LOGINS, f"http://other:1@elsewhere {with_user(fake.url, 'me:secret')}")
    ask(fake.url)
    monkeypatch.delenv(LOGINS)
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    ask(fake.url)
    assert "does not accept" in refusal(with_user(fake.url, "me:wrong"))  # the nearest counts


def test_a_token_goes_as_a_header_too(fake):
    fake.login = "Bearer $2b$12$a./Z"
    assert len(Client(f"{fake.url}?token=$2b$12$a./Z", pace=PACE).render(GRAPH, "3", 1)) == 1


@pytest.mark.parametrize("status", [502, 524, 530])
def test_a_proxy_whose_server_is_away_is_borne_with(fake, status):
    fake.faults = [("GET", "/queue", status)]
    assert ask(fake.url)
    fake.answer = lambda *_: (status, b"<html>a page of the proxy's</html>")
    said = refusal(fake.url, UserError)
    assert f"no ComfyUI server answers at {fake.url} (HTTP {status}); start it" in said


def wait_for_progress(access, caplog):
    """Listen as a cell does, until half of the steps are told; five seconds at most."""
    with progress.reported(lambda: access, "me", GRAPH, pause=0.01, every=0):
        for _ in range(500):
            if "1/2" in caplog.text:
                break
            progress.time.sleep(0.01)


@pytest.mark.parametrize("user", ["me:secret", ""])
def test_the_progress_is_heard_with_the_login_too(fake, caplog, user):
    caplog.set_level(logging.DEBUG, "lorabench")
    fake.login = basic("me:secret") if user else "abc"
    fake.events = [{"type": "progress", "data": {"value": 1, "max": 2, "node": "2"}}]
    url = with_user(fake.url, user) if user else f"{fake.url}?token=abc"
    access = Transport(url, PACE).access
    wait_for_progress(access, caplog)
    assert "2 (KSampler): 1/2" in caplog.text
    assert "secret" not in caplog.text
    assert "abc" not in caplog.text


def test_who_is_not_let_in_hears_how_to_be(fake):
    fake.login = basic("me:secret")
    said = refusal(fake.url)
    assert f"{fake.url} wants a name and a password (HTTP 401); put them into comfy_url" in said
    assert LOGINS in said
    assert "netrc" in said
    said = refusal(with_user(fake.url, "me:wrong"))
    assert "does not accept the name and password, or the token, that it was given" in said
    assert "wrong" not in said
    with pytest.raises(Refused, match="wants a name and a password"):
        Client(fake.url, pace=PACE).render(GRAPH, "3", 1)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((403, b"Forbidden"), "does not let lorabench in (HTTP 403); if it wants a name"),
        (
            (407, b"Proxy"),
            "is behind a proxy that wants a name and a password (HTTP 407); lorabench",
        ),
        ((400, b"The plain HTTP request was sent to HTTPS port"), "write comfy_url=https://127"),
        ((302, b""), "redirects to https://login.example/sign/in (HTTP 302); if that"),
        ((301, b""), "; write comfy_url=https://comfy.example/base"),
    ],
)
def test_what_stands_before_a_server_is_named(fake, answer, said, monkeypatch):
    places = {302: "https://x:secret@login.example/sign/in?secret=1#secret"}
    places[301] = "https://comfy.example/base/queue"
    fake.headers = {"Location": places[answer[0]]} if answer[0] in places else {}
    fake.answer = lambda *_: answer
    assert said in (found := refusal(fake.url))
    assert "secret" not in found


def test_a_limit_on_requests_is_borne_and_then_named(fake):
    fake.answer = lambda *_: (429, b"Slow down")
    with pytest.raises(UserError, match=r"keeps failing: too many requests \(HTTP 429\).*fewer at"):
        Transport(fake.url, PACE).get_json("/queue", dict)


def test_a_login_page_in_place_of_json_is_named(fake):
    fake.answer = lambda *_: (200, b"<!DOCTYPE html><title>Log in</title>")
    said = refusal(fake.url, UserError)
    assert "HTTP 200, but not as ComfyUI does (a web page); does a proxy, a login page" in said


@pytest.mark.parametrize("body", [b"", b"[", b"\xff" * 9, b"[" * 100_000, b"slow down"])
def test_what_is_no_json_is_named(fake, body):
    fake.answer = lambda *_: (200, body)
    assert "not as ComfyUI does (it is not JSON)" in refusal(fake.url, UserError)


@pytest.mark.parametrize("where", ["/queue", ""])
def test_a_server_that_leads_to_itself_is_named(fake, where):
    fake.headers = {"Location": where}
    fake.answer = lambda *_: (302, b"")
    said = refusal(fake.url)
    assert "redirects to" in said
    assert "write comfy_url" not in said


def test_no_error_of_the_connection_shows_a_token(fake, monkeypatch):
    text = "Max retries exceeded with url: /queue?token=secret (Caused by: Network is unreachable)"

    def fail(*_, **__):
        raise OSError(text)

    monkeypatch.setattr(http.Session, "request", fail)
    said = refusal(f"{fake.url}?token=secret", UserError)
    assert "Network is unreachable" in said
    assert "secret" not in said


def test_another_kind_of_login_is_named(fake):
    fake.login, fake.headers = "nobody's", {"WWW-Authenticate": ""}
    assert "wants a name and a password" in refusal(fake.url)
    fake.headers = {"WWW-Authenticate": 'Digest realm="x", nonce="y"'}
    assert "wants a login of the kind Digest" in refusal(fake.url)


def test_variables_that_hold_nonsense_are_named_without_what_they_hold(fake, monkeypatch):
    monkeypatch.setenv(LOGINS, "me:secret")
    said = refusal(fake.url, UserError)
    assert f"the variable {LOGINS} should hold URLs" in said
    assert "secret" not in said
    monkeypatch.delenv(LOGINS)
    monkeypatch.setenv("CURL_CA_BUNDLE", "/nowhere.pem")
    assert "CURL_CA_BUNDLE: there is no file or folder /nowhere.pem" in refusal(fake.url, UserError)


def test_the_address_that_only_listens_is_explained():
    assert "0.0.0.0 only says that a server listens" in refusal("http://0.0.0.0:9", UserError)


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_no_proxy_stands_between(fake, monkeypatch, variable):
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    ask(fake.url)


@contextmanager
def serving_https(folder, name):
    """Yield a server with https whose certificate, signed by itself, is made for `name`."""
    if not shutil.which("openssl"):
        pytest.skip("openssl makes the certificate")
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=x -keyout k.pem -out c.pem"
    more = ["-addext", f"subjectAltName={name}"]
    subprocess.run([*make.split(), *more], cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "c.pem", folder / "k.pem")
    with serving(tls=context) as server:
        yield server


@pytest.fixture(scope="module")
def https(tmp_path_factory):
    folder = tmp_path_factory.mktemp("https")
    with serving_https(folder, "IP:127.0.0.1") as server:
        server.certificate = folder / "c.pem"
        yield server


def test_a_certificate_of_ones_own_is_named_and_can_be_trusted(https, monkeypatch):
    said = refusal(https.url)
    assert "has a certificate that is not trusted: self-signed certificate; save it" in said
    assert "set REQUESTS_CA_BUNDLE=" in said
    for variable in CERTIFICATES:
        with monkeypatch.context() as patched:
            patched.setenv(variable, str(https.certificate))
            ask(https.url)


def test_the_progress_is_heard_through_https(https, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG, "lorabench")
    monkeypatch.setenv("SSL_CERT_FILE", str(https.certificate))
    https.events = [{"type": "progress", "data": {"value": 1, "max": 2, "node": "2"}}]
    access = Transport(https.url, PACE).access
    wait_for_progress(access, caplog)
    assert "1/2" in caplog.text


def test_http_to_https_and_the_reverse_are_named(https, fake):
    plain = https.url.replace("https", "http")
    assert f"{plain} speaks https, not http; write comfy_url={https.url}" in refusal(plain)
    secure = fake.url.replace("http", "https")
    assert f"{secure} does not speak https; write comfy_url={fake.url}" in refusal(secure)


def test_a_certificate_for_another_name_is_named(tmp_path, monkeypatch):
    with serving_https(tmp_path, "DNS:comfy.example") as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "c.pem"))
        assert "write the certificate's name in comfy_url" in refusal(server.url)


def test_a_file_without_certificates_is_named(https, monkeypatch, tmp_path):
    (tmp_path / "empty.pem").write_text("no certificate\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "empty.pem"))
    assert "empty.pem holds no certificate" in refusal(https.url)
