"""SDK v1 on a workspace of the emulator, with the operator running. Everything but the SDK is started by tests/sdk."""

import importlib.util
from pathlib import Path

import pytest
from tunnel import Tunnel

ROOT = Path(__file__).resolve().parents[2]

spec = importlib.util.spec_from_file_location("sdk_stage", ROOT / "tests/sdk/conftest.py")
sdk = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sdk)

# Fixtures of tests/sdk, and its hooks: what has to be built, and the operator's log after a failure.
azure, plane, operator = sdk.azure, sdk.plane, sdk.operator
pytest_collection_finish, pytest_runtest_makereport = sdk.pytest_collection_finish, sdk.pytest_runtest_makereport


@pytest.fixture(scope="session")
def client(azure, tmp_path_factory):
    """azureml.core; it writes to ~/.azureml, and searches for that folder when it is imported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        # azureml-dataprep takes neither an address of a storage account nor a CA from azureml-core.
        tunnel = Tunnel(azure.endpoint)
        patch.setenv("HTTPS_PROXY", tunnel.url)
        patch.setenv("https_proxy", tunnel.url)
        patch.setenv("SSL_CERT_FILE", azure.ca)
        # At once: the client polls an operation every five seconds.
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


WORKSPACE = f"{sdk.PROVIDERS}/Microsoft.MachineLearningServices/workspaces/{sdk.WORKSPACE}"
SYNAPSE = sdk.POOL.rsplit("/bigDataPools/", 1)[0]
PRINCIPAL = "77777777-aaaa-4bbb-8ccc-000000000007"


@pytest.fixture
def links(azure):
    """Two linked services that were created while Azure still created them."""
    seed = [{"id": f"{WORKSPACE}/linkedServices/{name}", "linkedServiceResourceId": SYNAPSE, "principalId": PRINCIPAL} for name in ("one", "two")]
    # A step runs as the linked service, whose identity needs the data.
    group = f"/subscriptions/{sdk.SUBSCRIPTION}/resourceGroups/{sdk.GROUP}"
    storage = {"id": "5f3d0f6e-0000-4000-8000-000000000007", "scope": group, "roleId": "Storage Blob Data Contributor", "principalId": PRINCIPAL}
    azure.seed({"linkedServices": seed, "azureRoleAssignments": [storage]})
    yield
    for one in azure.world()["linkedServices"]:
        azure.control("DELETE", "resource", params={"id": one["id"]})


@pytest.fixture
def attach(client, workspace):
    """Attaches a pool through a link, as SDK v1's documentation writes it."""

    def through(link, name, pool="yogisparkpool"):
        from azureml.core.compute import ComputeTarget, SynapseCompute

        wanted = SynapseCompute.attach_configuration(client.LinkedService.get(workspace, link), type="SynapseSpark", pool_name=pool)
        compute = ComputeTarget.attach(workspace, name, wanted)
        compute.wait_for_completion()
        return compute

    return through
