import os

import pytest

from lorabench.settings.servers import (
    EMBEDDED,
    LOGINS,
    lend,
    public,
    recorded,
    servers,
    shown,
    with_login,
    without_logins,
)


@pytest.fixture(autouse=True)
def no_logins(monkeypatch):
    monkeypatch.setenv(LOGINS, "")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("http://127.0.0.1:8188/", "http://127.0.0.1:8188"),
        ("http://127.0.0.1:8188/#/", "http://127.0.0.1:8188"),
        ("https://Me.example/comfy/?token=a", "https://me.example/comfy"),
        ("https://me:secret@host:8188", "https://host:8188"),
        ("https://me:se%2Fcr%40et@host", "https://host"),
        ("http://[::1]:8188", "http://[::1]:8188"),
    ],
)
def test_a_public_url_has_no_login_query_or_slash(given, expected):
    assert public(given) == expected
    assert recorded([given]) == [expected]


@pytest.mark.parametrize(
    "given",
    [
        *("http:127.0.0.1", "http://", "ftp://a", "htps://a", "http://a b"),
        *("http://a:99999", "http://a:b", "http://::1:8188", "http://[::1", "", "http://a:0"),
        *("https://me:pa/secret@host", "https://me:1#secret@host", "https://me:pa?secret@host"),
        *(
            "https://me:1?secret@host",
            f"http://{'a' * 70}.example",
            "http://.example",
            "http://a..b",
        ),
    ],
)
def test_what_is_no_url_is_refused_and_no_part_of_a_password_shown(given):
    with pytest.raises(ValueError, match="allowed: embedded, or URLs such as http://") as caught:
        servers([given])
    assert "secret" not in str(caught.value)
    assert "secret" not in shown(given)
    assert "secret" not in str(recorded([given]))


def test_urls_that_differ_in_their_login_are_one_server():
    given = ["https://me:a@host", "https://you:b@host/", "http://host", "https://host?token=1"]
    assert servers(given) == ("https://host", "http://host")
    assert servers(["embedded"]) == EMBEDDED
    with pytest.raises(ValueError, match="allowed"):
        servers(["embedded", "http://host"])


def test_a_login_reaches_the_jobs_by_the_environment():
    lend(EMBEDDED)
    lend(["http://plain:1"])
    assert os.environ[LOGINS] == ""
    lend(["https://me:secret@host", "http://other/?token=abc"])
    assert with_login("https://host") == "https://me:secret@host"
    assert with_login("http://other") == "http://other/?token=abc"
    assert with_login("http://plain:1") == "http://plain:1"


def test_the_nearest_login_counts_and_a_new_one_wins(monkeypatch):
    monkeypatch.setenv(LOGINS, "https://all:1@host  https://one:2@host/comfy")
    assert with_login("https://host/comfy") == "https://one:2@host/comfy"
    assert with_login("https://host/else") == "https://all:1@host"
    assert with_login("https://hostess") == "https://hostess"
    lend(["https://me:3@host"])
    assert with_login("https://host/else") == "https://me:3@host"


def test_an_older_record_is_read_without_its_passwords():
    assert recorded(["https://me:secret@host", "http://b:1"]) == ["https://host", "http://b:1"]
    assert "cret" not in str(recorded(["https://me:se/cret@host"]))


def test_a_command_line_is_shown_without_logins():
    urls = ["https://me:secret@host", "http://other/?token=secret", "http://plain:1"]
    shown = without_logins(["snakemake", "--config", f"comfy_url={','.join(urls)}"], urls)
    assert shown[2] == "comfy_url=https://host,http://other,http://plain:1"


def test_a_url_without_its_scheme_is_answered_with_it():
    for given in ("127.0.0.1:8188", "localhost", "comfy.example/path", "box:8188"):
        with pytest.raises(ValueError, match=f"did you mean http://{given}"):
            servers([given])
