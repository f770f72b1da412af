"""Studies to look at, and a client that has the token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from parzen import Study, hp
from parzen.dashboard import Dashboard

TOKEN = "a-token-for-tests-of-the-page"
SPACE = {
    "lr": hp.float("lr", 1e-4, 1e-1, log=True),
    "layers": hp.int("layers", 1, 5),
    "opt": hp.choice(
        "opt", [{"name": "adam", "beta": hp.float("beta", 0.8, 0.99)}, {"name": "sgd", "mom": hp.float("mom", 0, 1)}]
    ),
}


def objective(config: dict[str, Any]) -> float:
    """One in seven raises, so that there are errors to show."""
    if config["layers"] == 5:
        raise ValueError("five layers <b>never</b> fit")
    return float(config["lr"] * 10 + config["layers"] / 10)


class Visitor:
    """A browser, as far as a server sees one."""

    def __init__(self, page: Dashboard, study: Study | None = None) -> None:
        self.page, self.study = page, study
        self.home = f"http://127.0.0.1:{page.port}"
        self.client = httpx.Client(base_url=self.home, timeout=30, headers={"Authorization": f"Bearer {page.token}"})
        self.uid = study.header.uid if study is not None else ""

    def get(self, path: str, **query: Any) -> Any:
        """JSON from below the study's address."""
        answer = self.client.get(f"/api/studies/{self.uid}{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def do(self, action: str, **given: Any) -> httpx.Response:
        """What a button of the page sends."""
        return self.client.post(
            f"/api/studies/{self.uid}/do", json={"action": action, **given}, headers={"Origin": self.home}
        )


@contextmanager
def visitors() -> Iterator[Callable[..., Visitor]]:
    """A function that opens a page of a storage."""
    open_pages: list[Visitor] = []

    def make(storage: Any, study: Study | None = None, **given: Any) -> Visitor:
        page = Dashboard(storage, port=0, **{"token": TOKEN, **given}).start()
        open_pages.append(Visitor(page, study))
        return open_pages[-1]

    try:
        yield make
    finally:
        for one in open_pages:
            one.client.close()
            one.page.close()


@pytest.fixture
def visit() -> Iterator[Callable[..., Visitor]]:
    """Open a page of a storage, for one test."""
    with visitors() as make:
        yield make


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a study of thirty trials."""
    path = tmp_path_factory.mktemp("dashboard") / "study.db"
    study = Study(SPACE, name="first", storage=path, seed=0, algorithm="random")
    study.run(objective, 30, catch=True, progress=False)
    study.note("looks good")
    study.storage.close()
    return path


@pytest.fixture(scope="module")
def seen(filled: Path) -> Iterator[Visitor]:
    """A visitor of that file, who changes nothing."""
    with visitors() as make:
        yield make(filled, Study.load(filled, readonly=True), readonly=True)
