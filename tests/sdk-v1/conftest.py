"""The emulator, and SDK v1 on a workspace of it. The emulator's handle is that of tests/sdk."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

spec = importlib.util.spec_from_file_location("sdk_stage", ROOT / "tests/sdk/conftest.py")
sdk = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sdk)

# A fixture of tests/sdk.
azure = sdk.azure


def pytest_sessionstart(session):
    sdk.require([sdk.EMULATOR])


@pytest.fixture(scope="session")
def client(azure, tmp_path_factory):
    """azureml.core; it writes to ~/.azureml, and looks for that when it is imported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        # At once: it looks at an operation each five seconds.
        azure.settings(operationDuration="0ms", ownDiscovery=True)
        import azureml.core

        yield azureml.core


@pytest.fixture
def workspace(azure, client):
    from azureml.core.authentication import ArmTokenAuthentication

    form = {"grant_type": "client_credentials", "client_id": sdk.CLIENT, "client_secret": sdk.SECRET}
    form["scope"] = "https://management.core.windows.net//.default"
    answer = azure.http.post(f"{azure.authority}/{sdk.TENANT}/oauth2/v2.0/token", data=form, timeout=sdk.LONG)
    auth = ArmTokenAuthentication(answer.json()["access_token"])
    # With the slash that it has in the public cloud, so that paths begin with two.
    auth._cloud_type.endpoints.resource_manager = f"{azure.endpoint}/"
    return client.Workspace(sdk.SUBSCRIPTION, sdk.GROUP, sdk.WORKSPACE, auth=auth)
