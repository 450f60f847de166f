// The program `ui`, its page in Chromium, and the cluster beside it.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { connect, createServer } from "node:net";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

import { chromium } from "playwright-core";

const { CHROMIUM, KUBECTL, KUBECONFIG, OPERATOR_BINARY, SCREENSHOTS } = process.env;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
// No wait takes longer, in milliseconds.
export const DEADLINE = 20_000;

export function kubectl(...args) {
  return execFileSync(KUBECTL, args, { encoding: "utf8" });
}

/** With an object, or a text, as its input. */
export function kubectlWith(object, ...args) {
  return execFileSync(KUBECTL, args, { encoding: "utf8", input: typeof object === "string" ? object : JSON.stringify(object) });
}

const cleanups = new WeakMap();

/** Does this after the test; what was begun last is ended first. */
export function afterwards(test, clean) {
  if (!cleanups.has(test)) {
    const all = [];
    cleanups.set(test, all);
    test.after(async () => {
      for (const one of all.reverse()) {
        await one();
      }
    });
  }
  cleanups.get(test).push(clean);
}

/** The configuration of kubectl, as JSON. */
function configuration() {
  return JSON.parse(kubectl("config", "view", "--raw", "--minify", "-o", "json"));
}

/** A file for the test only. */
function kept(test, config) {
  const file = join(mkdtempSync(join(tmpdir(), "ui-")), "kubeconfig");
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  afterwards(test, () => rmSync(dirname(file), { recursive: true }));
  return file;
}

/** A kubeconfig with a token, and nothing else of the administrator. */
export function kubeconfigOf(test, token) {
  const config = configuration();
  config.users[0].user = { token: token.trim() };
  return kept(test, config);
}

/** The program, as its user starts it. It ends with the test. */
export class Program {
  static async start(test, args = [], kubeconfig = KUBECONFIG) {
    const one = new Program();
    const options = { stdio: ["pipe", "pipe", "inherit"], env: { PATH: process.env.PATH, HOME: tmpdir(), KUBECONFIG: kubeconfig } };
    one.process = spawn(OPERATOR_BINARY, ["ui", "--no-open", ...args], options);
    afterwards(test, () => one.process.kill("SIGINT"));
    one.lines = createInterface(one.process.stdout)[Symbol.asyncIterator]();
    one.link = await one.nextLink();
    return one;
  }

  async nextLink() {
    const { value } = await this.lines.next();
    assert.match(value, /^http:\/\/127\.0\.0\.1:\d+\/#[0-9a-f]{64}$/);
    return value;
  }

  /** What the user gets who presses Enter. */
  anotherLink() {
    this.process.stdin.write("\n");
    return this.nextLink();
  }
}

/** A browser for all tests of a file. */
export class Browser {
  static async start() {
    const one = new Browser();
    // Chromium refuses to run as root with its sandbox.
    const args = process.getuid() === 0 ? ["--no-sandbox"] : [];
    one.chromium = await chromium.launch({ executablePath: CHROMIUM, args });
    return one;
  }

  end() {
    return this.chromium.close();
  }

  /** A page of its own. The test fails if it logs an error, or sends a request elsewhere; `expected` matches errors that may appear. */
  async page(test, { expected = /^$/, ...options } = {}) {
    const context = await this.chromium.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(DEADLINE);
    const faults = [];
    page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("request", (request) => {
      const { hostname, protocol } = new URL(request.url());
      if (hostname !== "127.0.0.1" && protocol !== "data:") {
        faults.push(`a request to ${request.url()}`);
      }
    });
    afterwards(test, async () => {
      await context.close();
      assert.deepEqual(faults.filter((fault) => !expected.test(fault)), []);
    });
    return page;
  }
}

/** The row of an attachment, with this text. */
export async function row(page, name, text) {
  const found = page.locator("tbody tr", { has: page.getByRole("rowheader", { name, exact: true }) });
  await found.filter({ hasText: text }).waitFor();
  return found;
}

/** What axe finds on the page, one line each. */
export async function violations(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}: ${node.failureSummary}`));
}

/** Keeps a picture of the page. */
export function screenshot(page, name) {
  return page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), animations: "disabled", caret: "hide" });
}

/** The way to the API server, which can be interrupted. */
export class Road {
  static async open(test) {
    const one = new Road();
    const config = configuration();
    const { hostname, port } = new URL(config.clusters[0].cluster.server);
    one.sockets = new Set();
    one.server = createServer((socket) => {
      const onward = connect(port, hostname);
      for (const [from, to] of [[socket, onward], [onward, socket]]) {
        one.sockets.add(from);
        from.pipe(to);
        from.on("error", () => to.destroy());
        from.on("close", () => to.destroy() && one.sockets.delete(from));
      }
    });
    await one.restore();
    config.clusters[0].cluster.server = `https://127.0.0.1:${one.port}`;
    one.kubeconfig = kept(test, config);
    afterwards(test, () => one.interrupt());
    return one;
  }

  async restore() {
    this.server.listen(this.port ?? 0, "127.0.0.1");
    await once(this.server, "listening");
    this.port = this.server.address().port;
  }

  interrupt() {
    this.server.close();
    for (const socket of this.sockets) {
      socket.destroy();
    }
  }
}
