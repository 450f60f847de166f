// The map of identities, workspaces and pools, as its user sees it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Browser, Program, afterwards, kubectl, kubectlWith, row, screenshot, violations } from "./ui.js";

const GROUP = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/yogi-res-group/providers";
const identity = (name) => `${GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
const user = (name) => ({ type: "UserAssigned", userAssignedIdentities: [{ resourceId: identity(name) }] });
const pool = (path) => `${GROUP}/Microsoft.Synapse/workspaces/${path.replace("/", "/bigDataPools/")}`;

let browser;
before(async () => {
  const { apiVersion, kind, spec } = JSON.parse(kubectl("get", "ssa", "mysparkuser", "-o", "json"));
  const { workspace } = spec;
  kubectl("create", "namespace", "map");
  const reports = { workspace: { ...workspace, name: "reports-ml" }, resourceId: pool("reports-synapse/large"), identity: user("reports-id") };
  // More than the examples have. One is in trouble, and one is not ready.
  const others = [
    ["reports", reports],
    ["forecast", reports],
    ["weekly", { ...reports, resourceId: pool("reports-synapse/small") }],
    ["fraud", { ...reports, workspace: { ...workspace, name: "fraud-ml" }, identity: { type: "SystemAssigned" }, suspend: true }],
    ["training", { resourceId: pool("yogi-synapse-ws/training"), identity: user("training-id") }],
  ];
  for (const [name, change] of others) {
    kubectlWith({ apiVersion, kind, metadata: { name, namespace: "map" }, spec: { ...spec, ...change } }, "apply", "-f", "-");
  }
  kubectl("wait", "ssa/reports", "ssa/forecast", "ssa/weekly", "--namespace=map", "--for=condition=Ready", "--timeout=30s");
  kubectl("wait", "ssa/training", "--namespace=map", "--for=condition=Stalled", "--timeout=30s");
  browser = await Browser.start();
});
after(async () => {
  await browser.end();
  kubectl("delete", "ssa", "--all", "--namespace=map", "--timeout=30s");
});

/** The map, in a tab that is signed in. */
async function open(t, { path = "/map", args = ["-A"], ...options } = {}) {
  const program = await Program.start(t, args);
  const page = await browser.page(t, options);
  await page.goto(program.link);
  await page.getByRole("heading", { name: "Attachments" }).waitFor();
  await page.goto(new URL(path, program.link).href);
  await page.getByRole("heading", { name: "Map" }).waitFor();
  return page;
}

const box = (page, name) => page.locator("a.node", { has: page.locator("text.name", { hasText: new RegExp(`^${name}$`) }) });

test("what is in trouble stands out by its text and its shape, and a change is shown", async (t) => {
  const page = await open(t);
  const training = page.getByRole("link", { name: "Spark pool training in yogi-synapse-ws: stalled: PoolNotFound" });
  await training.waitFor();
  const outline = (link) => link.locator("path.shape").getAttribute("d");
  assert.notEqual(await outline(training), await outline(box(page, "yogisparkpool")), "the shapes differ");
  await page.getByRole("link", { name: "Workspace fraud-ml in yogi-res-group: not ready" }).waitFor();
  afterwards(t, () => kubectl("delete", "ssa", "late", "--namespace=map"));
  const { apiVersion, kind, spec } = JSON.parse(kubectl("get", "ssa", "reports", "--namespace=map", "-o", "json"));
  const late = { ...spec, workspace: { ...spec.workspace, name: "late-ml" } };
  await training.focus();
  kubectlWith({ apiVersion, kind, metadata: { name: "late", namespace: "map" }, spec: late }, "apply", "-f", "-");
  await box(page, "late-ml").waitFor();
  assert.match(await page.evaluate(() => document.activeElement.querySelector("title")?.textContent), /^Spark pool training/, "the focus stays");
});

test("the map is filtered, and a box leads by keyboard to the list of its attachments", async (t) => {
  const page = await open(t);
  await page.getByRole("searchbox", { name: "Workspace" }).fill("REPORTS");
  await box(page, "yogi-aml-ws").waitFor({ state: "detached" });
  assert.equal(new URL(page.url()).search, "?workspace=REPORTS");
  await page.getByRole("searchbox", { name: "Workspace" }).fill("");
  await page.getByRole("searchbox", { name: "Namespace" }).fill("map");
  await box(page, "yogi-aml-ws").locator("text.below", { hasText: "stalled: PoolNotFound" }).waitFor();
  await page.getByRole("region", { name: "Picture" }).focus();
  await page.keyboard.press("Tab");
  const name = () => page.evaluate(() => document.activeElement.querySelector("title")?.textContent);
  for (let step = 0; !(await name())?.startsWith("Workspace yogi-aml-ws"); step++) {
    assert.ok(step < 20, "the box is reached with Tab");
    await page.keyboard.press("Tab");
  }
  const width = () => page.evaluate(() => getComputedStyle(document.activeElement.querySelector(".frame")).strokeWidth);
  assert.equal(await width(), "4px", "the focus is visible");
  await page.keyboard.press("Enter");
  await row(page, "training", "PoolNotFound");
  assert.deepEqual(await page.locator("tbody th").allTextContents(), ["training"]);
});

test("the map is also a table, with the same links", async (t) => {
  const page = await open(t);
  await page.getByRole("radio", { name: "Table" }).focus();
  await page.keyboard.press("Space");
  await page.locator("svg.map").waitFor({ state: "detached" });
  const first = page.locator("tbody tr").first();
  assert.match(await first.textContent(), /yogi-aml-ws.*training.*yogi-synapse-ws.*training-id.*stalled.*PoolNotFound/s);
  assert.equal(new URL(page.url()).search, "?as=table");
  await page.reload();
  await page.getByRole("link", { name: "training-id" }).click();
  await row(page, "training", "PoolNotFound");
});

test("no identity, workspace or pool is left out of the table that screen readers have beside the picture", async (t) => {
  const page = await open(t);
  await box(page, "reports-ml").waitFor();
  const inPicture = await page.locator("a.node text.name").allTextContents();
  const table = await page.getByRole("table", { name: "Connections" }).textContent();
  for (const name of inPicture) {
    assert.ok(table.includes(name), name);
  }
});

for (const colorScheme of ["light", "dark"]) {
  for (const [size, width] of [["wide", 1280], ["narrow", 360]]) {
    test(`the map is accessible and fits, ${colorScheme} and ${size}`, async (t) => {
      const page = await open(t, { colorScheme, reducedMotion: "reduce", viewport: { width, height: size === "wide" ? 860 : 720 } });
      await box(page, "training").locator("text.below", { hasText: "PoolNotFound" }).waitFor();
      assert.equal(await page.locator(".frame").first().evaluate((one) => getComputedStyle(one).transitionDuration), "0s");
      const fits = async () => {
        assert.deepEqual(await violations(page), []);
        const [content, visible] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
        assert.ok(content <= visible, `${content} pixels are wider than ${visible}`);
      };
      await fits();
      await page.getByRole("radio", { name: "Table" }).check({ force: true });
      await page.locator("svg.map").waitFor({ state: "detached" });
      await fits();
      // The two that docs/ui.md shows.
      if ((colorScheme === "light") === (size === "wide")) {
        await page.getByRole("radio", { name: "Picture" }).check({ force: true });
        await page.locator("svg.map").waitFor();
        await page.locator(size === "wide" ? "header" : ".legend").evaluate((one) => one.scrollIntoView());
        await page.mouse.move(0, 0);
        await page.setViewportSize({ width: Math.min(width, 1160), height: size === "wide" ? 820 : 720 });
        await screenshot(page, `map-${size}-${colorScheme}`);
      }
    });
  }
}
