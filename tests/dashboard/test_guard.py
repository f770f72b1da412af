"""Who may speak with the page, and what it lets browsers do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from parzen import Study, hp
from parzen.dashboard import Dashboard
from parzen.dashboard._guard import may_be_host
from tests.dashboard.conftest import TOKEN, Visitor, visitors

SPACE = {"x": hp.float("x", 0, 1)}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """One server for all: nothing that is tried here may change anything."""
    path = tmp_path_factory.mktemp("guard") / "bare.db"
    with visitors() as make:
        yield make(path, Study(SPACE, name="bare", storage=path))


def _plain(visitor: Visitor) -> httpx.Client:
    return httpx.Client(base_url=visitor.home)


def test_without_the_token_there_is_nothing(bare: Visitor) -> None:
    """Neither the page, nor its parts, nor data, nor a way to change any."""
    with _plain(bare) as client:
        answers = [client.get(path) for path in ("/", "/static/js/main.js", "/plotly.js", "/api/studies", "/study/x")]
        answers.append(
            client.post(f"/api/studies/{bare.uid}/do", json={"action": "stop"}, headers={"Origin": bare.home})
        )

    assert [answer.status_code for answer in answers] == [401] * 6
    assert all("bare" not in answer.text for answer in answers)


def test_a_wrong_token_is_refused_and_makes_no_cookie(bare: Visitor) -> None:
    """In the address, in a cookie or as a bearer."""
    with _plain(bare) as client:
        answer = client.get("/", params={"token": TOKEN[:-1] + "X"})
        cookie = client.get("/api/studies", headers={"Cookie": f"parzen_{bare.page.port}=wrong"})
        bearer = client.get("/api/studies", headers={"Authorization": "Bearer wrong"})

    assert answer.status_code == cookie.status_code == bearer.status_code == 401
    assert "set-cookie" not in answer.headers


def test_the_token_goes_into_a_cookie_and_out_of_the_address(bare: Visitor) -> None:
    """The cookie is for no script and no other site, and opens the page."""
    with _plain(bare) as client:
        first = client.get(bare.page.url.replace(bare.home, ""))
        made = first.headers["set-cookie"].lower()
        again = client.get("/api/studies")

    assert "httponly" in made
    assert "samesite=strict" in made
    assert "url=/" in first.text
    assert TOKEN not in first.text
    assert again.status_code == 200


@pytest.mark.parametrize("other", ['prefs={"dark":true}', "a[b]=1", "é=ü", "empty", "=x"])
def test_cookies_of_other_programs_on_this_machine_are_in_nobody_s_way(bare: Visitor, other: str) -> None:
    """Cookies know no ports, and a browser sends them in whatever order."""
    own = f"parzen_{bare.page.port}={TOKEN}"
    with _plain(bare) as client:
        answers = [
            client.get("/api/studies", headers={"Cookie": both.encode()})
            for both in (f"{other}; {own}", f"{own};{other}")
        ]

    assert [answer.status_code for answer in answers] == [200, 200]


def test_the_way_on_after_the_first_visit_is_always_within_the_page(bare: Visitor) -> None:
    """Whatever the address looked like."""
    with _plain(bare) as client:
        answer = client.get(f"{bare.home}//evil.example/%22%3E%3Cscript%3E", params={"token": TOKEN})

    assert "url=/evil.example/script" in answer.text
    assert "<script" not in answer.text


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "localhost.evil"])
def test_a_foreign_host_is_refused(bare: Visitor, host: str) -> None:
    """A name that was made to point here is somebody else's origin."""
    answer = bare.client.get("/api/studies", headers={"Host": host})

    assert answer.status_code in {400, 403}


@pytest.mark.parametrize("host", ["localhost:9000", "127.0.0.1:1", "[::1]:8700", "192.168.0.7"])
def test_numbers_and_localhost_are_ours_at_any_port(host: str) -> None:
    """A tunnel ends at whatever port; a number cannot be made to point elsewhere."""
    assert may_be_host(host, [])


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:1", "null", "https://127.0.0.1:1"])
def test_a_forged_origin_changes_nothing(bare: Visitor, origin: str) -> None:
    """Another port of this machine is another origin, though the same site."""
    answer = bare.client.post(f"/api/studies/{bare.uid}/do", json={"action": "stop"}, headers={"Origin": origin})
    assert bare.study is not None
    bare.study.refresh()

    assert answer.status_code == 403
    assert bare.study.history.requests == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),  # no Origin
        ({"Origin": "own", "Content-Type": "text/plain"}, 415),
        ({"Origin": "own", "Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Origin": "own", "Sec-Fetch-Site": "cross-site", "Content-Type": "application/json"}, 403),
        ({"Origin": "own", "Sec-Fetch-Site": "same-site", "Content-Type": "application/json"}, 403),
    ],
)
def test_what_a_form_of_another_page_could_send_changes_nothing(
    bare: Visitor, headers: dict[str, str], status: int
) -> None:
    """It needs an Origin and JSON."""
    sent = {name: bare.home if value == "own" else value for name, value in headers.items()}
    answer = bare.client.post(f"/api/studies/{bare.uid}/do", content='{"action": "stop"}', headers=sent)
    assert bare.study is not None
    bare.study.refresh()

    assert answer.status_code == status
    assert bare.study.history.requests == []


def test_another_page_can_neither_read_nor_include_ours(bare: Visitor) -> None:
    """Scripts and pictures of another port would bring the cookie along."""
    headers = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}

    assert bare.client.get("/api/studies", headers=headers).status_code == 403
    assert bare.client.get("/static/js/main.js", headers=headers).status_code == 403


def test_whoever_follows_a_link_is_let_in(bare: Visitor) -> None:
    """A navigation from elsewhere only shows the page."""
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}

    assert bare.client.get("/", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/studies", "/static/style.css", "/plotly.js", "/nothing/here"])
def test_every_answer_says_what_a_browser_may_do_with_it(bare: Visitor, path: str) -> None:
    """No inline script or style, no evaluation of texts, no frame, no guessing of types, no referrer."""
    headers = bare.client.get(path).headers
    policy = dict(one.split(" ", 1) for one in headers["content-security-policy"].split("; "))

    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert path != "/api/studies" or headers["cache-control"] == "no-store"


def test_the_page_has_no_inline_script_or_style_and_loads_nothing_from_elsewhere(bare: Visitor, root: Path) -> None:
    """The policy would refuse it, and the page would be broken."""
    static = root / "src" / "parzen" / "dashboard" / "static"
    page = (static / "index.html").read_text(encoding="utf-8")
    scripts = "".join(path.read_text(encoding="utf-8") for path in (static / "js").glob("*.js"))

    assert "<style" not in page
    assert "style=" not in page
    assert "http" not in page
    assert all(
        word not in scripts
        for word in (".innerHTML", ".outerHTML", "insertAdjacentHTML", "eval(", "http://", "https://")
    )


def test_a_long_body_is_refused(bare: Visitor) -> None:
    """Before it is read."""
    assert bare.do("note", text="x" * 2_000_000).status_code == 413


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.1", "example.org"])
def test_other_machines_are_not_let_in_without_a_token(tmp_path: Path, host: str) -> None:
    """It is refused before anything listens."""
    with pytest.raises(ValueError, match="token"):
        Dashboard(tmp_path / "study.db", host=host, token="")


def test_a_short_token_is_refused(tmp_path: Path) -> None:
    """It could be guessed."""
    with pytest.raises(ValueError, match="16"):
        Dashboard(tmp_path / "study.db", token="short")


def test_passwords_are_never_shown() -> None:
    """What the page says of its storage is what a storage says of itself: without one."""
    from parzen.storages import open_storage

    location = open_storage("postgresql://me:secret@127.0.0.1:1/none").location

    assert "secret" not in location
