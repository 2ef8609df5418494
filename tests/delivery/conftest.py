"""An in-memory GitHub for each test."""

import pytest

from tests.delivery.api import REPOSITORY, Api


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    api = Api()
    monkeypatch.setattr("delivery.github._gh", api.gh)
    monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
    monkeypatch.setenv("RUN_URL", "https://github.com/acme/tracing/actions/runs/7")
    return api
