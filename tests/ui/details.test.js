// The details of one attachment, as its user sees them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Browser, Program, afterwards, kubeconfigOf, kubectl, kubectlWith, row, screenshot, violations } from "./ui.js";

// What Chromium reports if a link is followed while the stream of the page that is left is being opened.
const LEFT = /htmx:(sse:)?error: Failed to fetch/;
// Other files count what is in the default namespace.
const IN = ["-n", "details"];
let browser;
before(async () => {
  kubectl("create", "namespace", "details");
  browser = await Browser.start();
});
after(() => browser.end());

/** An attachment of the test. It is suspended, so that nothing is attached and it can be deleted at once. */
function create(t, name, spec = {}, metadata = {}) {
  const example = JSON.parse(kubectl("get", "ssa", "mysparknone", "-o", "json"));
  const { apiVersion, kind } = example;
  const object = { apiVersion, kind, metadata: { name, ...metadata }, spec: { ...example.spec, suspend: true, ...spec } };
  kubectlWith(object, "create", ...IN, "-f", "-");
  afterwards(t, () => kubectl("delete", "ssa", name, ...IN, "--ignore-not-found", "--wait=false"));
}

/** An attachment of the test that is attached. */
function attach(t, name, spec = {}) {
  create(t, name, { suspend: false, ...spec });
  kubectl("wait", `ssa/${name}`, ...IN, "--for=condition=Ready", "--timeout=60s");
}

/** A page with the details of an attachment. */
async function details(t, name, { program, namespace = "details", options } = {}) {
  program ??= await Program.start(t, ["-A"]);
  const page = await browser.page(t, { expected: LEFT, ...options });
  const link = new URL(program.link);
  link.pathname = "/details";
  link.search = `?namespace=${namespace}&name=${name}`;
  await page.goto(link.href);
  return page;
}

/** The section with this heading. */
const section = (page, name) => page.locator("section", { has: page.getByRole("heading", { name, exact: true, level: 2 }) });

test("the list leads to the details, and they lead back to the filtered list", async (t) => {
  const program = await Program.start(t);
  const page = await browser.page(t, { expected: LEFT });
  await page.goto(program.link);
  await row(page, "mysparkuser", "");
  await page.getByRole("searchbox", { name: "Name" }).fill("sparkuser");
  await page.waitForURL("**/list?name=sparkuser");
  await page.getByRole("link", { name: "mysparkuser" }).click();
  await page.getByRole("heading", { name: "mysparkuser", level: 1 }).waitFor();
  const compute = kubectl("get", "ssa", "mysparkuser", "-o", "jsonpath={.status.computeId}");
  await section(page, "Compute").getByText(compute, { exact: true }).waitFor();
  await section(page, "Pool").getByText("supported until").waitFor();
  await section(page, "Events").getByRole("row").filter({ hasText: "Attached" }).first().waitFor();
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.getByRole("button", { name: "Copy the manifest" }).click();
  await page.getByText("Copied").waitFor();
  kubectlWith(await page.evaluate(() => navigator.clipboard.readText()), "apply", "--dry-run=server", "-f", "-");
  await page.getByRole("link", { name: "All attachments" }).click();
  await row(page, "mysparkuser", "");
  assert.equal(new URL(page.url()).search, "?name=sparkuser");
  assert.equal(await page.locator("tbody tr").count(), 1);
});

test("the details follow the attachment, and its deletion is shown", async (t) => {
  attach(t, "passing");
  const page = await details(t, "passing");
  await section(page, "Conditions").getByRole("row").filter({ hasText: "Ready" }).filter({ hasText: "Attached" }).waitFor();
  kubectl("patch", "ssa", "passing", ...IN, "--type=merge", "-p", '{"spec":{"suspend":true,"tags":{"team":"data"}}}');
  await section(page, "Spec and compute").getByRole("row").filter({ hasText: "tags" }).filter({ hasText: "data" }).waitFor();
  await section(page, "Manifest").getByText("suspend: true").waitFor();
  kubectl("patch", "ssa", "passing", ...IN, "--type=merge", "-p", '{"spec":{"suspend":false}}');
  kubectl("delete", "ssa", "passing", ...IN, "--timeout=60s");
  await page.getByText("The attachment was deleted.").waitFor();
  await section(page, "Events").getByRole("row").filter({ hasText: "Detached" }).first().waitFor();
});

for (const colorScheme of ["light", "dark"]) {
  for (const [size, width] of [["wide", 1280], ["narrow", 360]]) {
    test(`the details are accessible and fit, ${colorScheme} and ${size}`, async (t) => {
      const page = await details(t, "mysparkuser", { namespace: "default", options: { colorScheme, viewport: { width, height: 720 } } });
      await section(page, "Events").getByRole("row").filter({ hasText: "Attached" }).first().waitFor();
      assert.deepEqual(await violations(page), []);
      const [content, visible] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(content <= visible, `${content} pixels are wider than ${visible}`);
      // The one that docs/ui.md shows.
      if (colorScheme === "light" && size === "wide") {
        await screenshot(page, "details-wide-light");
      }
    });
  }
}

/** Confirms a change that the page shows, and returns to the details. */
async function confirm(page, button) {
  await page.getByRole("button", { name: button, exact: true }).click();
  await page.getByRole("link", { name: "Follow it" }).click();
  await page.getByRole("heading", { name: "Conditions" }).waitFor();
}

/** The lines that a change removes and adds. */
const changed = (page) => page.locator(".diff del, .diff ins").allTextContents();

const spec = (name, path) => kubectl("get", "ssa", name, ...IN, "-o", `jsonpath={.spec.${path}}`);

test("an attachment is suspended and resumed, and reconciled", async (t) => {
  attach(t, "paused");
  const page = await details(t, "paused");
  await page.getByRole("link", { name: "Suspend" }).click();
  await page.getByText("writes nothing to Azure").waitFor();
  assert.deepEqual(await changed(page), ["+   suspend: true"]);
  assert.equal(spec("paused", "suspend"), "false", "nothing is written before the confirmation");
  await confirm(page, "Suspend");
  assert.equal(spec("paused", "suspend"), "true");
  const managers = kubectl("get", "ssa", "paused", ...IN, "--show-managed-fields", "-o", "jsonpath={.metadata.managedFields[*].manager}");
  assert.match(managers, /\bsynapse-ui\b/);
  await page.getByRole("link", { name: "Resume" }).click();
  await page.getByText("The operator writes to Azure again.").waitFor();
  await confirm(page, "Resume");
  assert.equal(spec("paused", "suspend"), "false");
  await page.getByRole("link", { name: "Reconcile now" }).click();
  await page.getByText("reconcile-requested-at").waitFor();
  await confirm(page, "Reconcile now");
  kubectl("wait", "ssa/paused", ...IN, "--for=jsonpath={.status.lastHandledReconcileAt}", "--timeout=30s");
});

test("identity and tags are edited, and a refusal is at its field", async (t) => {
  create(t, "edited", { tags: { team: "data", old: "yes" } });
  const page = await details(t, "edited");
  await page.getByRole("link", { name: "Edit identity and tags" }).click();
  const tags = page.getByLabel("Tags");
  assert.equal(await tags.inputValue(), "old=yes\nteam=data");
  await page.getByLabel("Managed identity").selectOption("UserAssigned");
  await page.getByRole("button", { name: "Show the change" }).click();
  await page.locator("#refused-identity .refused").waitFor();
  const [first, second] = ["b", "a"].map((name) => JSON.parse(kubectl("get", "ssa", "mysparkuser", "-o", "json"))
    .spec.identity.userAssignedIdentities[0].resourceId.replace(/[^/]*$/, `yogi-${name}`));
  await page.getByLabel("User-assigned identities").fill(`${first}\n${second}\n`);
  await tags.fill("team=ml\ncost center=7");
  await page.getByRole("button", { name: "Show the change" }).click();
  await page.locator(".diff").waitFor();
  assert.ok((await changed(page)).includes("-     old: \"yes\"") && (await changed(page)).some((line) => line.includes(first)));
  await page.getByRole("button", { name: "Edit again" }).click();
  assert.equal(await page.getByLabel("Tags").inputValue(), "team=ml\ncost center=7");
  await page.getByRole("button", { name: "Show the change" }).click();
  await confirm(page, "Apply");
  assert.deepEqual(JSON.parse(spec("edited", "tags")), { team: "ml", "cost center": "7" });
  const ids = spec("edited", "identity.userAssignedIdentities[*].resourceId");
  assert.equal(ids, `${first} ${second}`, "in their order");
});

test("a change that was made meanwhile is not overwritten", async (t) => {
  create(t, "contended");
  const program = await Program.start(t, ["-A"]);
  const tabs = [await details(t, "contended", { program })];
  tabs.push(await details(t, "contended", { program: { link: await program.anotherLink() } }));
  for (const [tab, value] of [[0, "one"], [1, "two"]]) {
    await tabs[tab].getByRole("link", { name: "Edit identity and tags" }).click();
    await tabs[tab].getByLabel("Tags").fill(`tab=${value}`);
    await tabs[tab].getByRole("button", { name: "Show the change" }).click();
    await tabs[tab].locator(".diff").waitFor();
  }
  await confirm(tabs[0], "Apply");
  await tabs[1].getByRole("button", { name: "Apply" }).click();
  await tabs[1].getByText("was changed meanwhile, and nothing was written").waitFor();
  assert.deepEqual(await changed(tabs[1]), ["-     tab: one", "+     tab: two"]);
  assert.deepEqual(JSON.parse(spec("contended", "tags")), { tab: "one" });
  await confirm(tabs[1], "Apply");
  assert.deepEqual(JSON.parse(spec("contended", "tags")), { tab: "two" });
});

test("a detach asks for the name, and is followed to its end", async (t) => {
  attach(t, "leaving", { deletionGuard: "WhenIdle", deletionGuardTimeout: "90m" });
  const page = await details(t, "leaving");
  await page.getByRole("link", { name: "Detach" }).click();
  await page.getByText("for 1h 30m at most").waitFor();
  assert.deepEqual(await violations(page), []);
  await page.getByRole("button", { name: "Detach" }).click();
  await page.getByText("Enter leaving to confirm").waitFor();
  assert.equal(kubectl("get", "ssa", "leaving", ...IN, "-o", "jsonpath={.metadata.deletionTimestamp}"), "");
  await page.getByLabel("Enter the name of the attachment").fill("leaving");
  await page.getByRole("button", { name: "Detach" }).click();
  await page.getByRole("link", { name: "Follow it" }).click();
  await page.getByText(/The attachment was deleted|There is no such attachment/).waitFor();
  assert.equal(kubectl("get", "ssa", "leaving", ...IN, "--ignore-not-found"), "");
});

test("an attachment that is deleted under one's hands is not created again", async (t) => {
  create(t, "vanishing");
  const page = await details(t, "vanishing");
  await page.getByRole("link", { name: "Resume" }).click();
  await page.locator(".diff").waitFor();
  kubectl("delete", "ssa", "vanishing", ...IN, "--timeout=60s");
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByText("The attachment was deleted, and nothing was written.").waitFor();
  assert.equal(kubectl("get", "ssa", "vanishing", ...IN, "--ignore-not-found"), "");
});

test("an object of Argo CD is not written: its manifest is copied", async (t) => {
  create(t, "tracked", {}, { annotations: { "argocd.argoproj.io/tracking-id": "spark:synapse-spark.dev/SynapseSparkAttachment:default/tracked" } });
  const page = await details(t, "tracked");
  await page.getByText("the Argo CD Application spark manages this attachment").waitFor();
  await page.getByRole("link", { name: "Resume" }).click();
  await page.getByText("would revert the change, so the page does not write it").waitFor();
  assert.equal(await page.getByRole("button", { name: "Resume" }).count(), 0);
  await page.getByRole("region", { name: "the manifest", exact: true }).getByText("resourceId:").waitFor();
  assert.deepEqual(await changed(page), ["-   suspend: true"]);
});

test("a button that may not be used says why", async (t) => {
  kubectl("create", "serviceaccount", "reader");
  kubectl("create", "role", "reader", "--verb=get,list,watch,patch", "--resource=synapsesparkattachments.synapse-spark.dev");
  kubectl("create", "rolebinding", "reader", "--role=reader", "--serviceaccount=default:reader");
  afterwards(t, () => kubectl("delete", "serviceaccount/reader", "role/reader", "rolebinding/reader"));
  const program = await Program.start(t, [], kubeconfigOf(t, kubectl("create", "token", "reader")));
  const page = await details(t, "mysparkuser", { program, namespace: "default" });
  await page.getByText("You may not delete attachments in namespace default.").waitFor();
  assert.ok(await page.getByRole("button", { name: "Detach" }).isDisabled());
  await page.getByRole("link", { name: "Suspend" }).waitFor();
  await page.getByText("Ask the administrator of the cluster for the verb list and watch on events").waitFor();
});

for (const [colorScheme, width] of [["light", 1280], ["dark", 360]]) {
  test(`the form of an edit is accessible and fits, ${colorScheme} and ${width} pixels`, async (t) => {
    const page = await details(t, "mysparkuser", { namespace: "default", options: { colorScheme, viewport: { width, height: 720 } } });
    await page.getByRole("link", { name: "Edit identity and tags" }).click();
    await page.getByLabel("Tags").fill("team=science");
    for (const step of ["form", "diff"]) {
      if (step === "diff") {
        await page.getByRole("button", { name: "Show the change" }).click();
        await page.locator(".diff").waitFor();
      }
      assert.deepEqual(await violations(page), []);
      const [content, visible] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(content <= visible, `${content} pixels are wider than ${visible}`);
      // The one that docs/ui.md shows.
      if (step === "diff" && colorScheme === "light") {
        await screenshot(page, "change-wide-light");
      }
    }
  });
}
