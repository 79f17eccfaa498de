import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import {
  type BoardFirmware,
  createHardware,
  type Hardware,
  listenOnTcp,
  type NetworkPort,
  runBootloader,
  SerialCable,
} from "@tinybms/firmware-sim";
import { OtaError } from "@tinybms/ota-core";
import {
  buildAppImage,
  buildPartitionTable,
  parsePartitionCsv,
  TWO_OTA_LARGE_PARTITION_CSV,
} from "@tinybms/ota-core/esp";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createReleaseLine, type ReleaseLine, runCommand } from "../packages/ota-publisher/test/release-line.ts";

let folder: string;
let line: ReleaseLine;
let ports: NetworkPort[];
let cables: SerialCable[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-flash-"));
  line = createReleaseLine();
  [ports, cables] = [[], []];
});

afterEach(async () => {
  for (const port of ports) await port.close();
  line.remove();
  rmSync(folder, { recursive: true, force: true });
});

const image = (version: string, projectName = "gateway", sizeBytes = 80_000) =>
  buildAppImage({ version, projectName, sizeBytes });

function fileOf(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** A board behind `socket://`. */
async function boardAt(hardware: Hardware, firmware?: BoardFirmware): Promise<string> {
  const cable = new SerialCable({ hardware, ...(firmware === undefined ? {} : { firmware }) });
  const port = await listenOnTcp(cable, { host: "127.0.0.1", port: 0 });
  cables.push(cable);
  ports.push(port);
  return `socket://127.0.0.1:${port.port}`;
}

function startedBy(hardware: Hardware): string | undefined {
  const outcome = runBootloader(hardware);
  return outcome.kind === "boots" ? outcome.image.descriptor?.version : undefined;
}

const flash = (...args: string[]) => runCommand(["flash", "--json", ...args]);

test("a release goes from the manifest onto a board, and the command says that its app started", async () => {
  await line.run(["package", "--binary", line.binary, "--update-manifest"]);
  const hardware = createHardware({ app: image("1.0.0") });
  const port = await boardAt(hardware);
  const { exitCode, stdout, stderr } = await line.run(["flash", "--port", port, "--version", "1.2.3", "--json"]);
  expect(stderr).toContain(`${port}: confirmed`);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    version: "1.2.3",
    dryRun: false,
    boards: [
      {
        ...{ port, outcome: "flashed", chip: "esp32", revision: "v3.0", mac: "24:0a:c4:00:00:01", slot: "ota_1" },
        started: { version: "1.2.3", projectName: "gateway" },
        warnings: [],
      },
    ],
  });
  expect(startedBy(hardware)).toBe("1.2.3");
});

test("deploy --transport serial flashes the same release, and says so as of any other way", async () => {
  await line.run(["package", "--binary", line.binary, "--update-manifest"]);
  const hardware = createHardware({ app: image("1.0.0") });
  const port = await boardAt(hardware);
  const args = ["deploy", "--version", "1.2.3", "--transport", "serial", "--port", port, "--json"];
  const planned = await line.run([...args, "--dry-run"]);
  expect(JSON.parse(planned.stdout).deliveries).toMatchObject([{ outcome: "planned", target: { ports: [port] } }]);
  const { exitCode, stdout } = await line.run(args);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout).deliveries).toMatchObject([
    {
      ...{ artifact: "gateway", transport: "serial", mode: "flash", outcome: "delivered" },
      devices: [{ device: "24:0a:c4:00:00:01", state: "confirmed", version: "1.2.3", slot: "ota_1" }],
    },
  ]);
  expect(startedBy(hardware)).toBe("1.2.3");
});

test("ports are for boards at a cable: without --transport serial they are refused", async () => {
  await line.run(["package", "--binary", line.binary, "--update-manifest"]);
  const { exitCode, stderr } = await line.run(["deploy", "--version", "1.2.3", "--port", "COM3", "--dry-run"]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("--port applies to boards on a cable: add --transport serial");
});

test("for people, flash says what the board is, what was written where, and what started", async () => {
  const port = await boardAt(createHardware({ app: image("1.0.0") }));
  const { stdout } = await runCommand(["flash", "--port", port, "--app", fileOf("new.bin", image("1.1.0"))]);
  expect(stdout).toContain(`${port}: ESP32 v3.0, 24:0a:c4:00:00:01, 4 MB flash`);
  expect(stdout).toMatch(/wrote .*new\.bin at 0x1d0000 \(80000 bytes\)/);
  expect(stdout).toMatch(/flashed into ota_1 in \d+\.\d s: \d+ bytes written, 0 unchanged; verified/);
  expect(stdout).toContain("started 1.1.0");
});

test("what is there already is not sent again", async () => {
  const port = await boardAt(createHardware({ app: image("1.0.0", "gateway", 400_000) }));
  const app = fileOf("same.bin", image("1.0.0", "gateway", 400_000));
  const { stdout, stderr } = await flash("--port", port, "--app", app, "--slot", "running");
  expect(stderr).toContain("ota_0 is the running slot of the board on");
  const [board] = JSON.parse(stdout).boards;
  expect(board).toMatchObject({ outcome: "flashed", slot: "ota_0", unchanged: 400_000 });
  expect(board.started).toMatchObject({ version: "1.0.0" });
});

test("--dry-run connects, checks and says what it would write, and writes nothing", async () => {
  const hardware = createHardware({ app: image("1.0.0") });
  runBootloader(hardware); // whose first start writes otadata
  const before = hardware.flash.truth(0, hardware.flash.sizeBytes).slice();
  const port = await boardAt(hardware);
  const { exitCode, stdout } = await flash("--port", port, "--app", fileOf("new.bin", image("1.1.0")), "--dry-run");
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout).boards).toMatchObject([{ outcome: "planned", slot: "ota_1", written: 0 }]);
  expect(Buffer.compare(hardware.flash.truth(0, hardware.flash.sizeBytes), before)).toBe(0);
});

test("several boards are flashed at once; one that fails doesn't stop the others, and is named", async () => {
  const boards = [createHardware({ app: image("1.0.0") }), createHardware({ app: image("1.0.0", "thermostat") })];
  const found: string[] = [];
  for (const board of boards) found.push(await boardAt(board));
  const app = fileOf("new.bin", image("1.1.0"));
  const { exitCode, stdout, stderr } = await flash("--port", found[0] ?? "", "--port", found[1] ?? "", "--app", app);
  expect(exitCode).toBe(1);
  const document = JSON.parse(stdout);
  expect(document.boards).toMatchObject([
    { outcome: "flashed", started: { version: "1.1.0" } },
    { outcome: "failed", error: { code: "serial/wrong-product" } },
  ]);
  expect(document.error).toMatchObject({ code: "serial/boards-failed", details: { ports: [found[1]] } });
  expect(stderr).toContain("--force makes it another product");
  expect(boards.map(startedBy)).toEqual(["1.1.0", "1.0.0"]);
});

test("a board with both slots corrupt is brought back by --all, bit by bit what ESP-IDF's build names", async () => {
  const hardware = createHardware({ app: image("1.0.0") });
  for (const offset of [0x2_0000, 0x1d_0000]) hardware.flash.load(offset, new Uint8Array(0x2000));
  expect(runBootloader(hardware).kind).not.toBe("boots");
  const port = await boardAt(hardware);
  const table = buildPartitionTable(parsePartitionCsv(TWO_OTA_LARGE_PARTITION_CSV));
  fileOf("table.bin", table);
  fileOf("app.bin", image("2.0.0"));
  const args = fileOf(
    "flasher_args.json",
    JSON.stringify({
      flash_files: { "0x8000": "table.bin", "0x20000": "app.bin" },
      extra_esptool_args: { chip: "esp32" },
    }),
  );
  const { exitCode, stdout, stderr } = await flash("--port", port, "--all", args);
  expect(exitCode).toBe(0);
  expect(stderr).toContain("if flashing is interrupted, the board may not start");
  expect(JSON.parse(stdout).boards).toMatchObject([{ slot: "ota_0", started: { version: "2.0.0" } }]);
  expect(startedBy(hardware)).toBe("2.0.0");
});

test("a board that doesn't start what was flashed is a failure that says why", async () => {
  const hardware = createHardware({ app: image("1.0.0") });
  const boot = (print: (text: string) => void): void =>
    print("E (96) boot: No bootable app partitions in the table\r\n");
  const port = await boardAt(hardware, { boot, halt: () => undefined });
  const { exitCode, stdout } = await flash("--port", port, "--app", fileOf("new.bin", image("1.1.0")));
  expect(exitCode).toBe(1);
  const { error, boards } = JSON.parse(stdout);
  expect(error.code).toBe("serial/boot-failed");
  expect(error.message).toContain("was flashed and verified, but does not start: its bootloader finds no bootable app");
  expect(boards).toMatchObject([{ outcome: "failed", slot: "ota_1", started: null }]);
  const unwatched = await flash("--port", port, "--app", join(folder, "new.bin"), "--watch", "0", "--slot", "ota_1");
  expect(unwatched.exitCode).toBe(0);
});

test("--monitor goes on showing the board's log after it was flashed, until it is interrupted", async () => {
  const port = await boardAt(createHardware({ app: image("1.0.0") }));
  const interrupt = new AbortController();
  let seen = "";
  const app = fileOf("new.bin", image("1.1.0"));
  const running = runCommand(["flash", "--port", port, "--app", app, "--monitor", "--json"], {
    signal: interrupt.signal,
    onStderr: (printed) => {
      seen += printed;
      if (seen.includes("confirmed")) interrupt.abort();
    },
  });
  const { exitCode, stdout } = await running;
  expect(seen).toMatch(/app_init: App version: {6}1\.1\.0\r\n/);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout).boards).toMatchObject([{ outcome: "flashed", started: { version: "1.1.0" } }]);
});

test("Ctrl-C in the middle ends with 130, and the board starts its old app", async () => {
  const hardware = createHardware({ app: image("1.0.0") });
  const port = await boardAt(hardware);
  const interrupt = new AbortController();
  const app = fileOf("new.bin", image("1.1.0"));
  const { exitCode, stdout } = await runCommand(["flash", "--port", port, "--app", app, "--json"], {
    signal: interrupt.signal,
    onStderr: (text) => {
      if (text.includes("downloading")) interrupt.abort(new OtaError("delivery/interrupted", "interrupted", {}));
    },
  });
  expect(exitCode).toBe(130);
  expect(JSON.parse(stdout).error.code).toBe("delivery/interrupted");
  expect(startedBy(hardware)).toBe("1.0.0");
});

test("read-flash reads a whole flash, a partition, or a range; erase erases", async () => {
  const hardware = createHardware({ app: image("1.0.0", "gateway", 100_000), flashSizeBytes: 0x40_0000 });
  runBootloader(hardware); // whose first start writes otadata
  const port = await boardAt(hardware);
  const out = join(folder, "dump.bin");
  const whole = await runCommand(["read-flash", "--port", port, "--out", out, "--json"]);
  expect(JSON.parse(whole.stdout)).toMatchObject({ port, chip: "esp32", offset: 0, size: 0x40_0000, output: out });
  expect(Buffer.compare(readFileSync(out), hardware.flash.truth(0, 0x40_0000))).toBe(0);

  const app = await runCommand(["read-flash", "--port", port, "--out", out, "--partition", "ota_0", "--json"]);
  expect(JSON.parse(app.stdout)).toMatchObject({ offset: 0x2_0000 });
  expect(
    readFileSync(out)
      .subarray(0, 100_000)
      .equals(image("1.0.0", "gateway", 100_000)),
  ).toBe(true);

  const none = await runCommand(["read-flash", "--port", port, "--out", out, "--partition", "spiffs"]);
  expect(none.stderr).toMatch(/error\[serial\/no-partition\].*\n.*it has nvs, otadata/);

  const erased = await runCommand(["erase", "--port", port, "--partition", "ota_0"]);
  expect(erased.exitCode).toBe(0);
  expect(hardware.flash.truth(0x2_0000, 100_000).every((byte) => byte === 0xff)).toBe(true);
  expect((await runCommand(["erase", "--port", port, "--whole"])).exitCode).toBe(0);
  expect(hardware.flash.truth(0, 0x40_0000).every((byte) => byte === 0xff)).toBe(true);
  const unsaid = await runCommand(["erase", "--port", port]);
  expect(unsaid.exitCode).toBe(2);
});

test("monitor shows what the board prints, until it is interrupted", async () => {
  const port = await boardAt(createHardware({ app: image("1.0.0") }));
  const interrupt = new AbortController();
  const [cable] = cables;
  let seen = "";
  const running = runCommand(["monitor", "--port", port, "--json"], {
    signal: interrupt.signal,
    onStderr: (printed) => {
      seen += printed;
      if (seen.includes("App version:      1.0.0")) interrupt.abort();
    },
  });
  const opened = setInterval(() => {
    if (cable?.isFree !== false) return;
    clearInterval(opened);
    cable.pressReset();
  }, 5);
  const { exitCode, stdout } = await running;
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ port });
});

test.for([
  [["--port", "socket://127.0.0.1:1", "--app", "APP"], "serial/port-not-found", 1],
  [["--port", "/dev/tty-that-is-not-there", "--app", "APP"], "serial/port-not-found", 1],
  [["--port", "tcp://127.0.0.1:1", "--app", "APP"], "arguments/invalid", 2],
  [["--port", "socket://nowhere", "--app", "APP"], "arguments/invalid", 2],
  [["--app", "APP", "--version", "1.0.0"], "arguments/invalid", 2],
  [[], "arguments/invalid", 2],
  [["--app", "APP", "--reset-sequence", "D0|X1"], "arguments/invalid", 2],
  [["--image", "app.bin"], "arguments/invalid", 2],
  [["--all", "APP"], "arguments/invalid", 2],
  [["--all", "x.json", "--slot", "next"], "arguments/invalid", 2],
  [["--app", "missing.bin"], "image/file-unreadable", 2],
  [["--app", "TORN"], "image/truncated", 2],
] as const)("flash %j ends with %s", async ([args, code, status]) => {
  const files: Record<string, string> = {
    APP: fileOf("app.bin", image("1.0.0")),
    TORN: fileOf("torn.bin", image("1.0.0").subarray(0, 5000)),
  };
  const given = args.map((arg) => files[arg] ?? arg);
  const withPort = given.includes("--port") ? given : [...given, "--port", "socket://127.0.0.1:1"];
  const { exitCode, stdout } = await flash(...withPort);
  expect(JSON.parse(stdout).error).toMatchObject({ code });
  expect(exitCode).toBe(status);
});

/** Runs the command in a process where packages are not installed. */
async function runWithout(name: string, ...args: readonly string[]): Promise<[string, string, number]> {
  const absent = `import { registerHooks } from "node:module";
registerHooks({ resolve(specifier, context, next) {
  if (!specifier.startsWith(${JSON.stringify(name)})) return next(specifier, context);
  throw Object.assign(new Error("Cannot find package"), { code: "ERR_MODULE_NOT_FOUND" });
} });`;
  const source = fileURLToPath(new URL("../packages/ota-publisher/src/bin/tinybms-ota.ts", import.meta.url));
  const hook = `data:text/javascript,${encodeURIComponent(absent)}`;
  const child = spawn(process.execPath, ["--conditions=@tinybms/source", "--import", hook, source, ...args]);
  const [[status], out, err] = await Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]);
  return [out, err, Number(status)];
}

test("without the package, flash says how to install it, and everything else runs", async () => {
  const app = fileOf("app.bin", image("1.0.0"));
  const [, stderr, status] = await runWithout("@tinybms/ota-serial", "flash", "--port", "/dev/ttyUSB0", "--app", app);
  expect(stderr).toContain("error[serial/package-missing]: boards on a cable need the package @tinybms/ota-serial");
  expect(stderr).toContain("hint: install the tarball of @tinybms/ota-serial");
  expect(status).toBe(1);
  expect(await runWithout("@tinybms/ota-serial", "smoke", "--quiet")).toEqual(["", "", 0]);
});

test("without the native bindings, a port of this machine says so, and one on the network does without", async () => {
  const app = fileOf("app.bin", image("1.1.0"));
  const [, stderr] = await runWithout("@serialport/bindings-cpp", "flash", "--port", "/dev/ttyUSB0", "--app", app);
  expect(stderr).toContain("error[serial/bindings-missing]");
  expect(stderr).toContain("npm install @serialport/bindings-cpp");
  const port = await boardAt(createHardware({ app: image("1.0.0") }));
  const [out, , status] = await runWithout("@serialport/bindings-cpp", "flash", "--port", port, "--app", app);
  expect(status).toBe(0);
  expect(out).toContain("started 1.1.0");
});
