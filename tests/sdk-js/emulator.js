// The emulator of Azure, and its control API.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

// Of tests/emulator/seeds/default.json.
export const TENANT = "72f988bf-0000-4000-8000-000000000001";
export const CLIENT = "11111111-2222-3333-4444-555555555555";
export const SECRET = "emulator-secret-not-a-real-one";

// The emulator is on this machine, whatever proxy the environment names.
process.env.NO_PROXY = process.env.no_proxy = "127.0.0.1";

export class Emulator {
  /** Runs the program that EMULATOR_BINARY names, or else the one that `make build` writes. */
  static async start() {
    const one = new Emulator();
    one.folder = await mkdtemp(join(tmpdir(), "azure-emulator-"));
    try {
      await one.run(process.env.EMULATOR_BINARY ?? fileURLToPath(new URL("../../target/debug/azure-emulator", import.meta.url)));
    } catch (error) {
      await rm(one.folder, { recursive: true });
      throw new Error(`the emulator did not start; run \`make build\` first: ${error.message}`);
    }
    return one;
  }

  async run(program) {
    // It ends when its standard input is closed, so it does not outlive the tests, however they end.
    const options = ["--dir", this.folder, "--operation-duration", "100ms", "--exit-with-stdin"];
    this.process = spawn(program, options, { stdio: ["pipe", "pipe", "inherit"] });
    this.exited = once(this.process, "exit");
    // One line of JSON, when it is ready.
    const [line] = await Promise.race([
      once(createInterface(this.process.stdout), "line"),
      this.exited.then(([status]) => Promise.reject(new Error(`it ended with ${status}`))),
    ]);
    const ready = JSON.parse(line);
    this.endpoint = ready.endpoint;
    this.authority = ready.authority;
    this.ca = await readFile(ready.ca, "utf8");
  }

  async end() {
    this.process.stdin.end();
    const [status] = await this.exited;
    await rm(this.folder, { recursive: true });
    if (status !== 0) {
      throw new Error(`the emulator ended with ${status}`);
    }
  }

  /** Calls the control API, and returns the JSON of the answer, if there is any. */
  async control(method, path, body) {
    const sending = request(`${this.endpoint}/_emulator/${path}`, { method, ca: this.ca, agent: false });
    sending.end(body === undefined ? undefined : JSON.stringify(body));
    const [answer] = await once(sending, "response");
    const chunks = [];
    for await (const chunk of answer) {
      chunks.push(chunk);
    }
    const text = Buffer.concat(chunks).toString();
    if (answer.statusCode >= 300) {
      throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
    }
    return text ? JSON.parse(text) : undefined;
  }

  /** Adds resources. */
  seed(world) {
    return this.control("PUT", "world", world);
  }

  /** Changes settings until the test ends. */
  async set(test, settings) {
    const before = await this.control("GET", "settings");
    await this.control("PATCH", "settings", settings);
    const restored = Object.fromEntries(Object.keys(settings).map((name) => [name, before[name]]));
    test.after(() => this.control("PATCH", "settings", restored));
  }

  /** Makes the emulator treat some requests in another way. A fault that no request has met when the test ends is removed. */
  async fault(test, fault) {
    await this.control("POST", "faults", fault);
    test.after(() => this.control("DELETE", "faults"));
  }

  /** The requests with one of these methods whose path has this part, in any case. */
  async journal(part, ...methods) {
    const { requests } = await this.control("GET", "journal");
    return requests.filter((one) => methods.includes(one.method) && one.path.toLowerCase().includes(part.toLowerCase()));
  }
}
