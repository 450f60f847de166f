// The list of attachments, as its user sees it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Browser, Program, Road, afterwards, kubeconfigOf, kubectl, kubectlWith, row, screenshot, violations } from "./ui.js";

let browser;
before(async () => {
  // One that is in trouble.
  const example = kubectl("get", "ssa", "mysparknone", "-o", "json");
  const { apiVersion, kind, spec } = JSON.parse(example);
  const missing = { apiVersion, kind, metadata: { name: "nightly" }, spec: { ...spec, resourceId: `${spec.resourceId}2` } };
  kubectlWith(missing, "apply", "-f", "-");
  kubectl("wait", "ssa/nightly", "--for=condition=Stalled", "--timeout=30s");
  browser = await Browser.start();
});
after(async () => {
  await browser.end();
  kubectl("delete", "ssa/nightly", "--timeout=30s");
});

test("the list shows attachments and follows them", async (t) => {
  const program = await Program.start(t);
  const page = await browser.page(t);
  await page.goto(program.link);
  await row(page, "mysparkuser", "Ready");
  assert.equal(new URL(page.url()).hash, "", "the secret of the link is gone from the address");
  afterwards(t, () => kubectl("patch", "ssa", "mysparkuser", "--type=merge", "-p", '{"spec":{"suspend":null,"tags":null}}'));
  kubectl("patch", "ssa", "mysparkuser", "--type=merge", "-p", '{"spec":{"suspend":true,"tags":{"team":"data"}}}');
  await row(page, "mysparkuser", "Suspended");
  await page.getByRole("radio", { name: "Suspended 1" }).waitFor();
});

test("the list is filtered and sorted by keyboard, and the address keeps that", async (t) => {
  const program = await Program.start(t);
  const page = await browser.page(t);
  await page.goto(program.link);
  await row(page, "mysparkuser", "");
  const names = () => page.locator("tbody th").allTextContents();
  const until = (condition) => page.waitForFunction(condition);
  await page.getByRole("searchbox", { name: "Name" }).focus();
  await page.keyboard.type("sparkSYS");
  await until(() => document.querySelectorAll("tbody tr").length === 1);
  assert.deepEqual(await names(), ["mysparksystem"]);
  assert.equal(new URL(page.url()).search, "?name=sparkSYS");
  await page.reload();
  await row(page, "mysparksystem", "");
  assert.deepEqual(await names(), ["mysparksystem"], "after a reload");
  await page.getByRole("searchbox", { name: "Name" }).fill("");
  await until(() => document.querySelectorAll("tbody tr").length > 2);
  await page.getByRole("radio", { name: "PoolNotFound 1" }).focus();
  await page.keyboard.press("Space");
  await until(() => document.querySelectorAll("tbody tr").length === 1);
  assert.deepEqual(await names(), ["nightly"]);
  assert.equal(new URL(page.url()).search, "?reason=PoolNotFound");
  await page.getByRole("radio", { name: /^All/ }).focus();
  await page.keyboard.press("Space");
  await until(() => document.querySelectorAll("tbody tr").length > 2);
  const ascending = await names();
  for (const direction of ["descending", "ascending"]) {
    await page.locator("#order-name").focus();
    await page.keyboard.press("Enter");
    await page.locator(`th[aria-sort=${direction}]`, { hasText: "Name" }).waitFor();
    const expected = direction === "ascending" ? ascending : [...ascending].reverse();
    assert.deepEqual(await names(), expected, direction);
    assert.equal(await page.evaluate(() => document.activeElement.id), "order-name", "the focus stays");
  }
});

test("a link opens one tab, and Enter prints another one", async (t) => {
  const program = await Program.start(t);
  const tabs = [];
  for (const link of [program.link, await program.anotherLink()]) {
    const page = await browser.page(t);
    await page.goto(link);
    await row(page, "mysparkuser", "");
    tabs.push(page);
  }
  const late = await browser.page(t, { expected: /401/ });
  await late.goto(program.link);
  await late.getByRole("heading", { name: "Open a new link" }).waitFor();
  assert.equal(await late.locator("tbody tr").count(), 0);
  const secret = await tabs[0].evaluate(() => sessionStorage.getItem("bearer"));
  assert.equal(secret.length, 64);
  assert.ok(!(await tabs[0].content()).includes(secret), "the secret is not in the document");
});

test("a hidden tab closes its stream, and catches up when it is shown", async (t) => {
  const program = await Program.start(t);
  const page = await browser.page(t);
  const isStream = (request) => request.url().includes("/list/stream");
  const streaming = page.waitForEvent("response", (response) => isStream(response.request()));
  await page.goto(program.link);
  await row(page, "mysparksystem", "Ready");
  await streaming;
  const hide = (hidden) =>
    page.evaluate((hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  const closed = Promise.any(["requestfailed", "requestfinished"].map((event) => page.waitForEvent(event, isStream)));
  await hide(true);
  await closed;
  afterwards(t, () => kubectl("patch", "ssa", "mysparksystem", "--type=merge", "-p", '{"spec":{"suspend":null}}'));
  kubectl("patch", "ssa", "mysparksystem", "--type=merge", "-p", '{"spec":{"suspend":true}}');
  kubectl("wait", "ssa/mysparksystem", "--for=jsonpath={.status.conditions[?(@.type=='Ready')].reason}=Suspended", "--timeout=30s");
  await row(page, "mysparksystem", "Attached");
  const opened = page.waitForEvent("request", isStream);
  await hide(false);
  await opened;
  await row(page, "mysparksystem", "Suspended");
});

test("a lost API server is shown, and its return", async (t) => {
  const road = await Road.open(t);
  const program = await Program.start(t, [], road.kubeconfig);
  const page = await browser.page(t);
  await page.goto(program.link);
  await row(page, "mysparkuser", "");
  road.interrupt();
  await page.getByText("The attachments cannot be followed").waitFor();
  await row(page, "mysparkuser", "");
  await road.restore();
  await page.getByText("The attachments cannot be followed").waitFor({ state: "detached" });
});

test("a missing permission is named, and the list appears once it is granted", async (t) => {
  kubectl("create", "serviceaccount", "viewer");
  afterwards(t, () => kubectl("delete", "serviceaccount/viewer", "role/viewer", "rolebinding/viewer", "--ignore-not-found"));
  const program = await Program.start(t, [], kubeconfigOf(t, kubectl("create", "token", "viewer")));
  const page = await browser.page(t);
  await page.goto(program.link);
  await page.getByText("for the verb list and watch on synapsesparkattachments.synapse-spark.dev in namespace default").waitFor();
  kubectl("create", "role", "viewer", "--verb=list,watch,patch", "--resource=synapsesparkattachments.synapse-spark.dev");
  kubectl("create", "rolebinding", "viewer", "--role=viewer", "--serviceaccount=default:viewer");
  await row(page, "mysparkuser", "Ready");
  await page.reload();
  await page.getByText("You may not create, delete attachments in namespace default").waitFor();
});

test("the end of the program is shown", async (t) => {
  const program = await Program.start(t);
  const page = await browser.page(t, { expected: /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|htmx:(sse:)?error/ });
  await page.goto(program.link);
  await row(page, "mysparkuser", "");
  program.process.kill("SIGINT");
  await page.getByText("The program does not answer").waitFor();
});

for (const colorScheme of ["light", "dark"]) {
  for (const [size, width] of [["wide", 1280], ["narrow", 360]]) {
    test(`the list is accessible and fits, ${colorScheme} and ${size}`, async (t) => {
      const program = await Program.start(t, ["-A"]);
      const page = await browser.page(t, { colorScheme, viewport: { width, height: 700 } });
      await page.goto(program.link);
      await row(page, "mysparkuser", "Ready");
      await row(page, "nightly", "PoolNotFound");
      assert.deepEqual(await violations(page), []);
      const [content, visible] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(content <= visible, `${content} pixels are wider than ${visible}`);
      // The two that docs/ui.md shows.
      if ((colorScheme === "light") === (size === "wide")) {
        await screenshot(page, `list-${size}-${colorScheme}`);
      }
    });
  }
}
