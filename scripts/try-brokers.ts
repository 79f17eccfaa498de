/**
 * Gets brokers from package registries into a temporary folder, starts each with its default configuration, runs
 * `broker-check`, and delivers an image to three simulated devices; then again with a tight queue. Writes the table in
 * `docs/brokers.md`. Installs nothing in the system, and says what it could not get.
 *
 *     npx node --conditions=@tinybms/source scripts/try-brokers.ts [--folder FOLDER] [NAME…]
 *
 * With names, only these brokers are tried, and the other rows of the table stay. With a folder, what it gets stays there,
 * and is not built again the next time.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { deliverToFleet, type FleetBroker, type FleetResult } from "../bench/bench-fleet.ts";
import { checkBroker } from "../packages/ota-publisher/src/broker-check/check-broker.ts";
import { parseBrokerUrl } from "../packages/ota-publisher/src/mqtt/broker-url.ts";
import { freePort } from "../test/free-port.ts";
import { run } from "./brokers/registries.ts";
import { type GotBroker, TRIED_BROKERS, type TriedBroker } from "./brokers/tried-brokers.ts";

const PAGE = join(import.meta.dirname, "../docs/brokers.md");
const HEAD = "| broker | from | version | `broker-check` | chunks sent | with a tight queue | a fleet needs |";
const DEVICES = 3;
const CHUNKS = 314;
const RATE = 65_536;
/** Limit of a delivery, in seconds. */
const TIMEOUT_S = 300;
/** Limit of each answer in `broker-check`, in milliseconds. */
const WAIT_MS = 20_000;
const START_MS = 120_000;

/** Functions that end the brokers that run. */
const running = new Set<() => Promise<void>>();

async function start(got: GotBroker, folder: string, isTight: boolean): Promise<FleetBroker> {
  const own = mkdtempSync(join(folder, "run-"));
  const [port, first, second] = [await freePort(), await freePort(), await freePort()];
  const { command, args, env, after } = got.start({ folder: own, port, ports: [first, second] }, isTight);
  const log = openSync(join(own, "output.log"), "w");
  const child = spawn(command, args, {
    ...{ cwd: own, env: { ...process.env, ...env }, stdio: ["ignore", log, log], detached: true },
  });
  closeSync(log);
  child.on("error", () => undefined);
  const kill = async (): Promise<void> => {
    running.delete(kill);
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, "close");
    process.kill(-child.pid, "SIGKILL");
    await closed;
    if (after !== undefined) await run(after.command, after.args).catch(() => undefined);
  };
  running.add(kill);
  for (const until = performance.now() + START_MS; !(await isListening(port)); await delay(100)) {
    if (performance.now() < until && child.exitCode === null) continue;
    await kill();
    throw new Error(`it does not listen (exit code ${child.exitCode})`);
  }
  return { port, pid: child.pid, kill };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

async function check(broker: FleetBroker): Promise<string> {
  const { signal } = new AbortController();
  const address = parseBrokerUrl(`mqtt://127.0.0.1:${broker.port}`);
  const options = { broker: address, topicRoot: "tinybms/broker-check", waitMs: WAIT_MS, signal };
  const { probes } = await checkBroker(options);
  const failures = probes.filter(({ passed }) => !passed).map(({ name, found }) => `\`${name}\`: ${found}`);
  return failures.length === 0 ? "passes" : failures.join("; ");
}

function deliver(got: GotBroker, folder: string, isTight: boolean): Promise<FleetResult> {
  const startBroker = () => start(got, folder, isTight);
  return deliverToFleet({ devices: DEVICES, startBroker, rate: RATE, timeout: TIMEOUT_S });
}

function cellOf({ chunksSent, confirmed, error }: FleetResult): string {
  const images = `${chunksSent} of ${CHUNKS}`;
  return confirmed === DEVICES ? images : `${images}; ${confirmed} of ${DEVICES} confirmed, ${error ?? "no error"}`;
}

async function tryBroker(broker: TriedBroker, folder: string): Promise<string> {
  const { name, from, tight, fleet } = broker;
  const got = await broker.get(join(folder, "got"));
  const checked = await check(await start(got, folder, false));
  const usual = cellOf(await deliver(got, folder, false));
  const queue = tight === undefined ? "no setting" : `${cellOf(await deliver(got, folder, true))} (${tight})`;
  return `| ${[name, from, got.version, checked, usual, queue, fleet].join(" | ")} |`;
}

/** Replaces or adds rows of the table on the page. */
function writeRows(rows: ReadonlyMap<string, string>): void {
  const lines = readFileSync(PAGE, "utf8").split("\n");
  const from = lines.indexOf(HEAD) + 2;
  if (from < 2) throw new Error(`${PAGE} has no table that begins with ${HEAD}`);
  const to = lines.findIndex((line, index) => index >= from && !line.startsWith("| "));
  const old = new Map(lines.slice(from, to).map((line) => [line.split(" | ")[0]?.slice(2) ?? "", line]));
  const all = TRIED_BROKERS.map(({ name }) => rows.get(name) ?? old.get(name)).filter((row) => row !== undefined);
  lines.splice(from, to - from, ...all);
  writeFileSync(PAGE, lines.join("\n"));
}

const { values, positionals: names } = parseArgs({ options: { folder: { type: "string" } }, allowPositionals: true });
const folder = values.folder ?? mkdtempSync(join(tmpdir(), "tinybms-brokers-"));
try {
  for (const broker of TRIED_BROKERS) {
    if (names.length > 0 && !names.includes(broker.name)) continue;
    const own = join(folder, broker.name.replaceAll(/\W/g, "-"));
    mkdirSync(own, { recursive: true });
    try {
      const row = await tryBroker(broker, own);
      console.log(row);
      writeRows(new Map([[broker.name, row]]));
    } catch (error) {
      process.exitCode = 1;
      console.error(`${broker.name}: not tried: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      for (const kill of running) await kill();
    }
  }
} finally {
  if (values.folder === undefined) rmSync(folder, { recursive: true, force: true });
}
