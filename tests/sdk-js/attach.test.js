// Attaching a Spark pool, and how it fails.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { Emulator, SECRET, TENANT } from "./emulator.js";
import { GROUP, GUID, IDENTITIES, POOL, POOLS, SUBSCRIPTION, USERS, Workspace, computes, identity, refused, showsUsers, spark } from "./workspace.js";

describe("attach", () => {
  let azure;
  before(async () => {
    azure = await Emulator.start();
  });
  after(() => azure?.end());

  it("without an identity shows the pool", async () => {
    const ws = await Workspace.create(azure);
    const tags = { team: "data", Env: "Prod" };
    const compute = spark(POOL, undefined, { tags });
    compute.properties.description = "nightly jobs";

    const shown = await ws.put("spark", compute);

    assert.equal(shown.id.toLowerCase(), `${ws.id}/computes/spark`.toLowerCase());
    assert.equal(shown.name, "spark");
    assert.equal(shown.type, "Microsoft.MachineLearningServices/workspaces/computes");
    assert.equal(shown.location, "eastus2");
    assert.deepEqual(shown.tags, tags);
    assert.equal(shown.identity, undefined);
    const { properties } = shown;
    assert.equal(properties.computeType, "SynapseSpark");
    assert.equal(properties.provisioningState, "Succeeded");
    assert.equal(properties.provisioningErrors ?? undefined, undefined);
    assert.equal(properties.resourceId.toLowerCase(), POOL.toLowerCase());
    assert.equal(properties.isAttachedCompute, true);
    assert.equal(properties.description, "nightly jobs");
    assert.deepEqual(properties.properties, {
      autoPauseProperties: { enabled: true, delayInMinutes: 15 },
      autoScaleProperties: { enabled: true, minNodeCount: 3, maxNodeCount: 10 },
      nodeCount: 3,
      nodeSize: "Small",
      nodeSizeFamily: "MemoryOptimized",
      poolName: "yogisparkpool",
      resourceGroup: GROUP,
      sparkVersion: "3.5",
      subscriptionId: SUBSCRIPTION,
      workspaceName: "yogi-synapse-ws",
    });
    const age = Date.now() - properties.createdOn.getTime();
    assert.ok(age >= 0 && age < 5 * 60_000, `created ${age} ms ago`);
    assert.deepEqual(await ws.get("spark"), shown);

    assert.deepEqual(await ws.body(), {
      location: "eastus2",
      tags,
      properties: { computeType: "SynapseSpark", resourceId: POOL, description: "nightly jobs" },
    });
  });

  it("with a system-assigned identity shows its principal", async () => {
    const ws = await Workspace.create(azure);
    const shown = await ws.put("spark", spark(POOL, identity("SystemAssigned")));

    assert.equal(shown.identity.type, "SystemAssigned");
    assert.match(shown.identity.principalId, GUID);
    assert.equal(shown.identity.tenantId, TENANT);
    assert.equal(shown.identity.userAssignedIdentities, undefined);
    assert.deepEqual((await ws.body()).identity, { type: "SystemAssigned" });
  });

  it("with user-assigned identities shows their principals and clients, in order", async () => {
    const ws = await Workspace.create(azure);
    const shown = await ws.put("spark", spark(POOL, identity("UserAssigned", ...USERS)));

    assert.equal(shown.identity.type, "UserAssigned");
    assert.equal(shown.identity.principalId, undefined);
    assert.equal(shown.identity.tenantId, undefined);
    showsUsers(shown.identity, ...USERS);
  });

  it("with both kinds of identity shows both", async () => {
    const ws = await Workspace.create(azure);
    const shown = await ws.put("spark", spark(POOL, identity("SystemAssigned,UserAssigned", ...USERS)));

    assert.equal(shown.identity.type, "SystemAssigned,UserAssigned");
    assert.match(shown.identity.principalId, GUID);
    assert.equal(shown.identity.tenantId, TENANT);
    showsUsers(shown.identity, ...USERS);
  });

  it("with a missing identity is refused", async () => {
    const ws = await Workspace.create(azure);
    const attach = ws.put("spark", spark(POOL, identity("UserAssigned", `${IDENTITIES}/nobody`)));
    await assert.rejects(attach, refused(400, "FailedIdentityOperation", /nobody/));
    await assert.rejects(ws.get("spark"), refused(404, "ResourceNotFound"));
  });

  it("of a missing pool fails and leaves a failed compute", async () => {
    const ws = await Workspace.create(azure);
    await assert.rejects(ws.put("spark", spark(`${POOLS}/nosuchpool`)), /The long-running operation has failed.*UserError/s);

    const left = (await ws.get("spark")).properties;
    assert.equal(left.provisioningState, "Failed");
    assert.deepEqual(left.provisioningErrors.map((one) => one.error.code), ["UserError"]);
    assert.equal(left.properties?.sparkVersion, undefined);

    // A failed compute can be attached to a pool that exists, and detached.
    assert.equal((await ws.put("spark", spark())).properties.provisioningState, "Succeeded");
    await ws.delete("spark");
  });

  it("under the name of a compute of another type is refused", async () => {
    const ws = await Workspace.create(azure);
    await ws.seed("cpucluster", { computeType: "AmlCompute", resourceId: null });
    const cluster = await ws.get("cpucluster");
    assert.equal(cluster.properties.computeType, "AmlCompute");

    await assert.rejects(ws.put("cpucluster", spark()), refused(400, "UserError"));
    assert.deepEqual(await ws.get("cpucluster"), cluster);
  });

  it("to another pool under the name of an attached one is refused", async () => {
    const ws = await Workspace.create(azure);
    const first = await ws.put("spark", spark());
    await assert.rejects(ws.put("spark", spark(`${POOLS}/othersparkpool`)), refused(400, "UserError"));
    assert.deepEqual(await ws.get("spark"), first);
  });

  it("during an operation is a conflict, and so is a detach", async (test) => {
    await azure.set(test, { operationDuration: "1h" });
    const ws = await Workspace.create(azure);
    await ws.begin("spark", spark());
    assert.equal((await ws.get("spark")).properties.provisioningState, "Creating");

    await assert.rejects(ws.begin("spark", spark()), refused(409, "Conflict"));
    await assert.rejects(ws.delete("spark"), refused(409, "Conflict"));
  });

  it("can be waited for by another client", async () => {
    const ws = await Workspace.create(azure);
    const resumeFrom = (await ws.begin("spark", spark())).toString();

    const resumed = await ws.begin("spark", spark(), computes(azure), { resumeFrom });
    assert.deepEqual(await resumed.pollUntilDone(), await ws.get("spark"));
    assert.equal((await ws.sent("PUT")).length, 1);
  });

  it("with a wrong secret is an authentication error", async () => {
    const ws = await Workspace.create(azure);
    ws.client = computes(azure, `wrong-${SECRET}`);
    await assert.rejects(ws.put("spark", spark()), (error) => {
      assert.equal(error.name, "AuthenticationRequiredError", error.stack);
      assert.match(error.message, /AADSTS7000215/);
      return true;
    });
    assert.deepEqual(await ws.sent("PUT"), []);
  });
});
