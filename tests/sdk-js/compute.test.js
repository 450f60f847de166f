// Computes that are attached: read, updated, detached.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { Emulator } from "./emulator.js";
import { GROUP, POOL, USERS, Workspace, identity, refused, showsUsers, spark } from "./workspace.js";

describe("a compute", () => {
  let azure;
  before(async () => {
    azure = await Emulator.start();
  });
  after(() => azure?.end());

  it("that is missing is not found", async () => {
    const ws = await Workspace.create(azure);
    await assert.rejects(ws.get("nope"), refused(404, "ResourceNotFound"));
    await assert.rejects(ws.client.get(GROUP, "no-workspace", "nope"), refused(404, "ParentResourceNotFound"));
  });

  it("is listed with all others, page by page", async (test) => {
    const ws = await Workspace.create(azure);
    await ws.seed("cpucluster", { computeType: "AmlCompute", resourceId: null });
    const expected = { cpucluster: await ws.get("cpucluster") };
    for (const name of ["spark0", "spark1", "spark2", "spark3"]) {
      expected[name] = await ws.put(name, spark(POOL, identity("SystemAssigned")));
    }
    await azure.set(test, { pageSize: 2 });

    const found = {};
    const sizes = [];
    for await (const page of ws.client.list(GROUP, ws.name).byPage()) {
      sizes.push(page.length);
      for (const compute of page) {
        found[compute.name] = compute;
      }
    }
    assert.deepEqual(found, expected);
    assert.deepEqual(sizes, [2, 2, 1]);
  });

  it("is absent from the list of an empty workspace", async () => {
    const ws = await Workspace.create(azure);
    const pages = [];
    for await (const page of ws.client.list(GROUP, ws.name).byPage()) {
      pages.push([...page]);
    }
    assert.deepEqual(pages, [[]]);
  });

  it("has other tags after an update", async () => {
    const ws = await Workspace.create(azure);
    const compute = spark(POOL, identity("UserAssigned", ...USERS), { tags: { team: "data" } });
    const first = await ws.put("spark", compute);

    // What was read is written back, as a program does that changes a part.
    const changed = await ws.get("spark");
    changed.tags = { team: "ml", Env: "Prod" };
    const updated = await ws.put("spark", changed);
    const modifiedOn = updated.properties.modifiedOn;
    assert.deepEqual(updated, { ...first, tags: changed.tags, properties: { ...first.properties, modifiedOn } });
    assert.ok(modifiedOn > first.properties.modifiedOn);

    assert.deepEqual((await ws.put("spark", { ...compute, tags: undefined })).tags, {});
    assert.deepEqual(await ws.sent("DELETE"), []);
  });

  it("has another identity after an update", async () => {
    const ws = await Workspace.create(azure);
    const update = async (wanted) => (await ws.put("spark", spark(POOL, wanted))).identity;

    assert.equal(await update(undefined), undefined);
    const system = await update(identity("SystemAssigned"));
    assert.equal(system.type, "SystemAssigned");

    const both = await update(identity("SystemAssigned,UserAssigned", USERS[0]));
    assert.deepEqual([both.type, both.principalId], ["SystemAssigned,UserAssigned", system.principalId]);
    showsUsers(both, USERS[0]);

    const user = await update(identity("UserAssigned", USERS[1]));
    assert.deepEqual([user.type, user.principalId], ["UserAssigned", undefined]);
    showsUsers(user, USERS[1]);

    assert.equal(await update(identity("None")), undefined);
    assert.deepEqual(await ws.sent("DELETE"), []);
  });

  // The specification has PATCH for the scale settings of an AmlCompute only, and so has the client.
  it("of the type SynapseSpark cannot be changed by PATCH", async () => {
    const ws = await Workspace.create(azure);
    const first = await ws.put("spark", spark());
    const patch = ws.client.beginUpdateAndWait(GROUP, ws.name, "spark", { properties: { scaleSettings: { maxNodeCount: 5 } } });
    await assert.rejects(patch, refused(400, "UserError"));
    assert.deepEqual(await ws.get("spark"), first);
  });

  // The specification has keys (ComputeSecrets) of other types of computes only. How Azure answers is not known, and the emulator
  // does not serve this request.
  it("of the type SynapseSpark does not list any keys", async () => {
    const ws = await Workspace.create(azure);
    await ws.put("spark", spark());
    await assert.rejects(ws.client.listKeys(GROUP, ws.name, "spark"), { name: "RestError" });
    const posts = await ws.sent("POST");
    assert.equal(posts.length, 1);
    assert.ok(posts[0].status >= 400 && posts[0].status < 500, `answered with ${posts[0].status}`);
  });

  it("is removed by a detach, which keeps the pool", async () => {
    const ws = await Workspace.create(azure);
    await ws.put("spark", spark(POOL, identity("SystemAssigned")));

    await ws.delete("spark");

    await assert.rejects(ws.get("spark"), refused(404, "ResourceNotFound"));
    const [sent, ...more] = await ws.sent("DELETE");
    assert.deepEqual(more, []);
    assert.equal(sent.status, 202);
    assert.equal(new URLSearchParams(sent.query).get("underlyingResourceAction"), "Detach");
    // The pool can be attached again.
    assert.equal((await ws.put("again", spark())).properties.provisioningState, "Succeeded");
  });

  it("that is missing is detached at once", async () => {
    const ws = await Workspace.create(azure);
    await ws.delete("nope");
    assert.deepEqual((await ws.sent("DELETE")).map((one) => one.status), [204]);
  });

  // Nothing may delete a pool. How Azure answers is not known; see the emulator's README.
  it("is not deleted together with its pool", async () => {
    const ws = await Workspace.create(azure);
    const first = await ws.put("spark", spark());
    await assert.rejects(ws.delete("spark", "Delete"), refused(400, "UserError"));
    assert.deepEqual(await ws.get("spark"), first);
  });

  describe("whose request is throttled", () => {
    const throttle = (test, method, path) => azure.fault(test, { method, path, status: 429, retryAfter: 1 });
    const repeated = ([first, second]) => {
      assert.deepEqual([first.status, Math.floor(second.status / 100)], [429, 2]);
      const pause = new Date(second.at) - new Date(first.at);
      assert.ok(pause >= 1000, `repeated after ${pause} ms`);
    };

    it("is written after the pause that Azure asks for", async (test) => {
      const ws = await Workspace.create(azure);
      await throttle(test, "PUT", ws.name);
      await ws.put("spark", spark());
      repeated(await ws.sent("PUT"));
    });

    it("is read after the pause that Azure asks for", async (test) => {
      const ws = await Workspace.create(azure);
      await ws.seed("spark", { resourceId: POOL, provisioningState: "Succeeded" });
      await throttle(test, "GET", ws.name);
      assert.equal((await ws.get("spark")).name, "spark");
      repeated(await ws.sent("GET"));
    });

    it("is waited for after the pause that Azure asks for", async (test) => {
      const ws = await Workspace.create(azure);
      const polls = async () => azure.journal("computeOperationsStatus", "GET");
      const sofar = (await polls()).length;
      await throttle(test, "GET", "computeOperationsStatus");
      assert.equal((await ws.put("spark", spark())).properties.provisioningState, "Succeeded");
      repeated((await polls()).slice(sofar));
    });
  });
});
