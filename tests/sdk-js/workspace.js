// A Machine Learning workspace of the emulator, as Microsoft's client shows it.

import assert from "node:assert/strict";

import { AzureMachineLearningWorkspaces } from "@azure/arm-machinelearning";
import { ClientSecretCredential } from "@azure/identity";

import { CLIENT, SECRET, TENANT } from "./emulator.js";

// Of Microsoft's documents, and of tests/emulator/seeds/default.json.
export const SUBSCRIPTION = "6560575d-fa06-4e7d-95fb-f962e74efd7a";
export const GROUP = "yogi-res-group";
const PROVIDERS = `/subscriptions/${SUBSCRIPTION}/resourceGroups/${GROUP}/providers`;
export const POOLS = `${PROVIDERS}/Microsoft.Synapse/workspaces/yogi-synapse-ws/bigDataPools`;
export const POOL = `${POOLS}/yogisparkpool`;
export const IDENTITIES = `${PROVIDERS}/Microsoft.ManagedIdentity/userAssignedIdentities`;

// The alphabet would put them the other way round.
export const USERS = [`${IDENTITIES}/id-zeta`, `${IDENTITIES}/id-alpha`];
const IDS = {
  [USERS[0]]: { principalId: "aaaaaaaa-0000-4000-8000-000000000001", clientId: "aaaaaaaa-0000-4000-8000-000000000002" },
  [USERS[1]]: { principalId: "bbbbbbbb-0000-4000-8000-000000000001", clientId: "bbbbbbbb-0000-4000-8000-000000000002" },
};

// Operations take a tenth of a second; the client would look every two.
const OFTEN = { updateIntervalInMs: 50 };

/** A compute that is attached to a pool. */
export function spark(resourceId = POOL, identity = undefined, more = {}) {
  return { location: "eastus2", identity, properties: { computeType: "SynapseSpark", resourceId }, ...more };
}

/** An identity of this type with these user-assigned identities. */
export function identity(type, ...users) {
  return users.length === 0 ? { type } : { type, userAssignedIdentities: Object.fromEntries(users.map((user) => [user, {}])) };
}

/** Microsoft's client of the computes of a subscription, which gets its tokens from the emulator. */
export function computes(azure, secret = SECRET) {
  const trusting = { tlsOptions: { ca: azure.ca } };
  const credential = new ClientSecretCredential(TENANT, CLIENT, secret, {
    authorityHost: azure.authority,
    disableInstanceDiscovery: true,
    ...trusting,
  });
  const options = { endpoint: azure.endpoint, credentialScopes: "https://management.azure.com/.default", ...trusting };
  return new AzureMachineLearningWorkspaces(credential, SUBSCRIPTION, options).computeOperations;
}

let workspaces = 0;

/** A workspace that only one test uses. */
export class Workspace {
  /** Adds an empty one, and the identities. */
  static async create(azure) {
    const one = new Workspace();
    one.azure = azure;
    one.name = `ws-${++workspaces}`;
    one.id = `${PROVIDERS}/Microsoft.MachineLearningServices/workspaces/${one.name}`;
    one.client = computes(azure);
    await azure.seed({
      workspaces: [{ id: one.id, location: "eastus2" }],
      identities: USERS.map((id) => ({ id, ...IDS[id] })),
    });
    return one;
  }

  /** Creates or updates a compute, and returns what the client shows when the operation has ended. */
  put(name, compute) {
    return this.client.beginCreateOrUpdateAndWait(GROUP, this.name, name, compute, OFTEN);
  }

  /** Sends the PUT, and returns the poller. */
  begin(name, compute, client = this.client, more = {}) {
    return client.beginCreateOrUpdate(GROUP, this.name, name, compute, { ...OFTEN, ...more });
  }

  get(name) {
    return this.client.get(GROUP, this.name, name);
  }

  /** Removes a compute; the other action would delete the pool, too. */
  delete(name, action = "Detach") {
    return this.client.beginDeleteAndWait(GROUP, this.name, name, action, OFTEN);
  }

  /** Adds a compute that the client did not create. */
  seed(name, properties) {
    return this.azure.seed({ computes: [{ id: `${this.id}/computes/${name}`, properties }] });
  }

  /** The requests for the workspace's computes, without those for operations. */
  sent(...methods) {
    return this.azure.journal(`/workspaces/${this.name}/`, ...methods);
  }

  /** The body of the only PUT. */
  async body() {
    const puts = await this.sent("PUT");
    assert.equal(puts.length, 1);
    return puts[0].body;
  }
}

/** Checks that Azure refused a request with this status and this code. */
export function refused(statusCode, code, message = /./) {
  return (error) => {
    assert.equal(error.name, "RestError", error.stack);
    assert.deepEqual([error.statusCode, error.code], [statusCode, code], error.message);
    assert.match(error.message, message);
    return true;
  };
}

/** Checks the user-assigned identities and their order. Azure changes the case of their IDs. */
export function showsUsers(shown, ...users) {
  const folded = (all) => all.map(([id, ids]) => [id.toLowerCase(), { ...ids }]);
  assert.deepEqual(folded(Object.entries(shown.userAssignedIdentities)), folded(users.map((id) => [id, IDS[id]])));
}

export const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
