"""A fake API and a provider process that asks it, both for the whole run; the API is reset for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from limen.client import Client
from tests.unit.provider.fake_api import HOST_NAME, FakeApi
from tests.unit.provider.wire import STARTED_WITH_FAKE_HOSTS, EngineStandIn, Provider, running

GIB = 2**30


@pytest.fixture(scope="session")
def fake_api() -> Iterator[FakeApi]:
    api = FakeApi()
    yield api
    api.stop()


@pytest.fixture
def api(fake_api: FakeApi, token_file: Path) -> FakeApi:
    fake_api.reset()
    token_file.write_text(fake_api.token)
    fake_api.create_project(
        "demo", {"vms": 4, "vcpus": 4, "memory": 4 * GIB, "disk": 40 * GIB, "networks": 1}
    )
    fake_api.create_project("other", {"vms": 1, "vcpus": 1, "memory": GIB})
    return fake_api


@pytest.fixture(scope="session")
def token_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("token") / "token"


@pytest.fixture(scope="session")
def shared_provider(fake_api: FakeApi, token_file: Path) -> Iterator[Provider]:
    token_file.write_text(fake_api.token)
    environment = {"LIMEN_API_URL": fake_api.url, "LIMEN_TOKEN_FILE": str(token_file)}
    with running(environment, STARTED_WITH_FAKE_HOSTS) as provider:
        yield provider


@pytest.fixture
def provider(api: FakeApi, shared_provider: Provider) -> Provider:
    return shared_provider.begin()


@pytest.fixture
def engine(provider: Provider) -> EngineStandIn:
    return provider.engine


@pytest.fixture
def client(api: FakeApi) -> Iterator[Client]:
    with Client(api.url, api.token) as client:
        yield client


@pytest.fixture
def host(api: FakeApi) -> str:
    return HOST_NAME


@pytest.fixture
def uri(api: FakeApi) -> str:
    return api.host_uri


@pytest.fixture
def elsewhere() -> str:
    return "fake:///00000000-0000-4000-8000-000000000002"
