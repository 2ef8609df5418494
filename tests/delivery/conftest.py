"""A GitHub in memory for each test."""

from collections.abc import Generator

import pytest

from tests.delivery.api import REPOSITORY, TOKEN, Api, serving


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Generator[Api]:
    with serving() as api:
        monkeypatch.setenv("GITHUB_API_URL", api.url)
        monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        monkeypatch.setenv("RUN_URL", "https://github.com/acme/tracing/actions/runs/7")
        yield api
