// The details of one attachment, as its user sees them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Browser, Program, afterwards, kubectl, kubectlWith, row, screenshot, violations } from "./ui.js";

let browser;
before(async () => {
  browser = await Browser.start();
});
after(() => browser.end());

/** Another attachment of the pool of this one, ready; it goes with the test. */
function attach(t, name, spec = {}, metadata = {}) {
  const example = JSON.parse(kubectl("get", "ssa", "mysparknone", "-o", "json"));
  const { apiVersion, kind } = example;
  kubectlWith({ apiVersion, kind, metadata: { name, ...metadata }, spec: { ...example.spec, ...spec } }, "apply", "-f", "-");
  afterwards(t, () => kubectl("delete", "ssa", name, "--ignore-not-found", "--timeout=60s"));
  kubectl("wait", `ssa/${name}`, "--for=condition=Ready", "--timeout=60s");
}

/** A page with the details of an attachment. */
async function details(t, name, { program, options } = {}) {
  program ??= await Program.start(t);
  const page = await browser.page(t, options);
  const link = new URL(program.link);
  link.pathname = "/details";
  link.search = `?namespace=default&name=${name}`;
  await page.goto(link.href);
  return page;
}

/** The section with this heading. */
const section = (page, name) => page.locator("section", { has: page.getByRole("heading", { name, exact: true, level: 2 }) });

test("the list leads to the details, and they lead back to the filtered list", async (t) => {
  const program = await Program.start(t);
  const page = await browser.page(t);
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
  kubectl("patch", "ssa", "passing", "--type=merge", "-p", '{"spec":{"suspend":true,"tags":{"team":"data"}}}');
  await section(page, "Spec and compute").getByRole("row").filter({ hasText: "tags" }).filter({ hasText: "data" }).waitFor();
  await section(page, "Manifest").getByText("suspend: true").waitFor();
  kubectl("patch", "ssa", "passing", "--type=merge", "-p", '{"spec":{"suspend":false}}');
  kubectl("delete", "ssa", "passing", "--timeout=60s");
  await page.getByText("The attachment was deleted.").waitFor();
  await section(page, "Events").getByRole("row").filter({ hasText: "Detached" }).first().waitFor();
});

for (const colorScheme of ["light", "dark"]) {
  for (const [size, width] of [["wide", 1280], ["narrow", 360]]) {
    test(`the details are accessible and fit, ${colorScheme} and ${size}`, async (t) => {
      const page = await details(t, "mysparkuser", { options: { colorScheme, viewport: { width, height: 900 } } });
      await section(page, "Events").getByRole("row").filter({ hasText: "Attached" }).first().waitFor();
      assert.deepEqual(await violations(page), []);
      const [content, visible] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(content <= visible, `${content} pixels are wider than ${visible}`);
      await screenshot(page, `details-${size}-${colorScheme}`);
    });
  }
}
