import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import {
  createHardware,
  type Hardware,
  listenOnRfc2217,
  listenOnTcp,
  type NetworkPort,
  runBootloader,
  SerialCable,
} from "@tinybms/firmware-sim";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCommand } from "../packages/ota-publisher/test/release-line.ts";
import { freePort } from "./free-port.ts";
import { hasNoJudges, JUDGES, PYTHON } from "./judges-python.ts";

let folder: string;
let ports: NetworkPort[];
let children: ChildProcess[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-ports-"));
  [ports, children] = [[], []];
});

afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  for (const port of ports) await port.close();
  rmSync(folder, { recursive: true, force: true });
});

const LOCAL = { host: "127.0.0.1", port: 0 };
const image = (version: string) => buildAppImage({ version, projectName: "gateway", sizeBytes: 200_000 });

function startedBy(hardware: Hardware): string | undefined {
  const outcome = runBootloader(hardware);
  return outcome.kind === "boots" ? outcome.image.descriptor?.version : undefined;
}

async function flash(port: string, ...options: readonly string[]): Promise<unknown> {
  const app = join(folder, "app.bin");
  writeFileSync(app, image("1.1.0"));
  const { exitCode, stdout, stderr } = await runCommand(["flash", "--json", "--port", port, "--app", app, ...options]);
  expect(exitCode, stderr).toBe(0);
  return JSON.parse(stdout).boards[0];
}

test("over RFC 2217 a board is reset by its control lines, flashed at a higher rate, and seen to start", async () => {
  const hardware = createHardware({ app: image("1.0.0") });
  const port = await listenOnRfc2217(new SerialCable({ hardware }), LOCAL);
  ports.push(port);
  expect(await flash(`rfc2217://127.0.0.1:${port.port}`)).toMatchObject({
    ...{ outcome: "flashed", baudRate: 921_600, started: { version: "1.1.0" } },
  });
  expect(startedBy(hardware)).toBe("1.1.0");
});

/** Starts Espressif's RFC 2217 server in front of a port. @returns The server's port, and what it printed. */
async function espressifServer(target: string): Promise<{ readonly port: number; readonly said: () => string }> {
  const port = await freePort();
  const args = ["-u", "-m", "esp_rfc2217_server", "-p", String(port), target];
  const server = spawn(PYTHON, args, { stdio: ["ignore", "pipe", "pipe"] });
  children.push(server);
  let said = "";
  await new Promise<void>((resolve, reject) => {
    const hear = (bytes: Buffer): void => {
      said += String(bytes);
      if (said.includes("Waiting for connection")) resolve();
    };
    for (const stream of [server.stdout, server.stderr]) stream.on("data", hear);
    server.once("exit", () => reject(new Error(said)));
  });
  return { port, said: () => said };
}

/** What pySerial reads of a port, as text. */
const MODEM_LINES = `
import serial, sys
port = serial.serial_for_url(sys.argv[1])
print(port.cts, port.dsr, port.ri, port.cd)
`;

test.skipIf(hasNoJudges)(`pySerial reads CTS, DSR, RI and CD over RFC 2217${JUDGES}`, async () => {
  const board = await listenOnRfc2217(new SerialCable({ hardware: createHardware({}) }), LOCAL);
  ports.push(board);
  const url = `rfc2217://127.0.0.1:${board.port}`;
  const reading = spawn(PYTHON, ["-c", MODEM_LINES, url], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(reading);
  expect((await text(reading.stdout)).trim()).toBe("False False False False");
});

test.skipIf(hasNoJudges)(
  `a board on RFC 2217 stands behind Espressif's own server, which reads its modem lines${JUDGES}`,
  async () => {
    const board = await listenOnRfc2217(new SerialCable({ hardware: createHardware({}) }), LOCAL);
    ports.push(board);
    const server = await espressifServer(`rfc2217://127.0.0.1:${board.port}`);
    const monitor = ["monitor", "--json", "--port", `rfc2217://127.0.0.1:${server.port}`, "--seconds", "3"];
    const { exitCode, stdout, stderr } = await runCommand(monitor);
    expect(exitCode, stderr).toBe(0);
    expect(JSON.parse(stdout).bytes).toBeGreaterThan(0);
    expect(server.said()).not.toContain("NOTIFY_MODEMSTATE");
    expect(server.said()).not.toContain("Traceback");
  },
);

test.skipIf(hasNoJudges)(
  `through Espressif's own RFC 2217 server a board is flashed and verified${JUDGES}`,
  async () => {
    const hardware = createHardware({ app: image("1.0.0") });
    const board = await listenOnTcp(new SerialCable({ hardware }), LOCAL);
    ports.push(board);
    const { port } = await espressifServer(`socket://127.0.0.1:${board.port}`);
    // The server's port behind it can't reset the board, so that no start is seen.
    expect(await flash(`rfc2217://127.0.0.1:${port}`, "--watch", "0")).toMatchObject({
      outcome: "flashed",
      slot: "ota_1",
    });
    expect(startedBy(hardware)).toBe("1.1.0");
  },
);

test.for([
  ["socket://127.0.0.1", "nothing listens there", "start what serves the port"],
  ["rfc2217://127.0.0.1", "nothing listens there", "start what serves the port"],
] as const)("a port at %s that nobody serves is not blamed on a cable", async ([place, why, expected]) => {
  const port = `${place}:${await freePort()}`;
  const { exitCode, stdout } = await runCommand(["monitor", "--json", "--port", port]);
  const { error } = JSON.parse(stdout);
  expect(exitCode).toBe(1);
  expect(error).toMatchObject({ code: "serial/port-not-found", message: `there is no port ${port}: ${why}` });
  expect(error.hint).toContain(expected);
  expect(error.hint).not.toMatch(/cable|--list/);
});

test("a network port whose server turns a second client away is not blamed on ModemManager", async () => {
  const server = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const { stdout } = await runCommand(["monitor", "--json", "--port", `socket://127.0.0.1:${port}`]);
  server.close();
  expect(JSON.parse(stdout).error).toMatchObject({
    code: "serial/port-busy",
    hint: expect.stringContaining("another client"),
  });
});

const isPythonAbsent = !runs("python3", ["--version"]);
const SKIPPED = isPythonAbsent ? " (skipped: python3 is not installed; `apt-get install python3`)" : "";

function runs(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** A pseudo-terminal whose other end is a TCP port. */
const PTY_BRIDGE = `
import os, pty, select, socket, sys, tty
master, slave = pty.openpty()
tty.setraw(slave)
peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
print(os.ttyname(slave), flush=True)
while True:
    ready, _, _ = select.select([master, peer], [], [])
    if master in ready: peer.sendall(os.read(master, 65536))
    if peer in ready:
        data = peer.recv(65536)
        if not data: break
        while data: data = data[os.write(master, data):]
`;

test.skipIf(isPythonAbsent)(`over a pseudo-terminal the native binding flashes a board${SKIPPED}`, async () => {
  const hardware = createHardware({ app: image("1.0.0") });
  const port = await listenOnTcp(new SerialCable({ hardware }), LOCAL);
  ports.push(port);
  const bridge = spawn("python3", ["-c", PTY_BRIDGE, String(port.port)], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(bridge);
  const [path] = await once(bridge.stdout, "data");
  expect(await flash(String(path).trim())).toMatchObject({ outcome: "flashed", started: { version: "1.1.0" } });
  expect(startedBy(hardware)).toBe("1.1.0");
});
