import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Efuse, type Hardware, listenOnTcp, NorFlash, SerialCable } from "@tinybms/firmware-sim";
import { SimulatedBinding } from "@tinybms/firmware-sim/testkit";
import { chipByName } from "@tinybms/ota-core/esp";
import { Flasher } from "@tinybms/ota-serial";
import { openBindingLine } from "@tinybms/ota-serial/node";
import { type BenchLine, compare } from "./bench-line.ts";

/** A published build of WLED, kept beside the project; `TINYBMS_FIRMWARE` names another place. */
const FIRMWARE = process.env.TINYBMS_FIRMWARE ?? fileURLToPath(new URL("../../shared/firmware", import.meta.url));
const IMAGE = join(FIRMWARE, "0.14.4", "WLED_0.14.4_ESP32.bin");
const ESPTOOL = fileURLToPath(new URL("../.tools/python/bin/esptool", import.meta.url));
const COMMAND = fileURLToPath(new URL("../packages/ota-publisher/dist/bin/tinybms-ota.js", import.meta.url));

const OFFSET = 0x1_0000;
const BAUD_RATE = 921_600;
const BITS_PER_BYTE = 10;
const ROUNDS = 5;

/** What one write or reading came to: bytes from the host, and the line model's time. */
interface Cost {
  readonly bytes: number;
  readonly ms: number;
}

/**
 * A real image of 1.28 MB onto an ESP32 against esptool 5 with its stub: bytes from the host, the line model's time at 921
 * 600 baud, and real time over a loopback socket. What is there already, against the image; reading, against the line.
 */
export async function benchSerial(): Promise<readonly BenchLine[]> {
  if (!existsSync(ESPTOOL)) throw new Error(`${ESPTOOL} is missing: run \`node scripts/python-tools.ts\` first`);
  if (!existsSync(COMMAND)) throw new Error(`${COMMAND} is missing: run \`pnpm build\` first`);
  if (!existsSync(IMAGE)) throw new Error(`${IMAGE} is missing; TINYBMS_FIRMWARE names another place`);
  const folder = mkdtempSync(join(tmpdir(), "tinybms-bench-serial-"));
  const image = new Uint8Array(readFileSync(IMAGE));
  const file = join(folder, "image.bin");
  writeFileSync(file, image);
  try {
    const hardware = blankBoard();
    const write = (flasher: Flasher) => flasher.write([{ name: "image", offset: OFFSET, bytes: image }]);
    const first = await costOf(hardware, write);
    const again = await costOf(hardware, write);
    const read = await costOf(hardware, (flasher) => flasher.read(OFFSET, image.length));
    const connected = await costOf(hardware, async () => undefined);
    const peer = await onNetwork((port) => run(ESPTOOL, theirsArgs(port, file)));
    const lineMs = (image.length * BITS_PER_BYTE * 1000) / BAUD_RATE;
    return [
      figure("1.28 MB: bytes from the host, against esptool", "KiB", first.bytes / 1024, peer.bytes / 1024, 1),
      figure("1.28 MB: time of the line model, against esptool", "ms", first.ms, peer.ms, 1.05),
      figure("the same again: bytes, against the first time", "KiB", again.bytes / 1024, first.bytes / 1024, 0.02),
      figure("reading it: time of the line model, against the line", "ms", read.ms - connected.ms, lineMs, 1 / 0.9),
      await compare("1.28 MB over a socket: real time, against esptool", 1, ROUNDS, {
        ours: () => timeOnNetwork((port) => run(process.execPath, [COMMAND, ...oursArgs(port, file)])),
        plain: () => timeOnNetwork((port) => run(ESPTOOL, theirsArgs(port, file))),
      }),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function oursArgs(port: string, file: string): readonly string[] {
  return ["flash", "--quiet", "--port", port, "--image", `${file}@${OFFSET}`];
}

function theirsArgs(port: string, file: string): readonly string[] {
  const line = ["--port", port, "--before", "no-reset", "--after", "no-reset", "--baud", String(BAUD_RATE)];
  return [...line, "write-flash", String(OFFSET), file];
}

function figure(name: string, unit: "KiB" | "ms", ours: number, plain: number, limit: number): BenchLine {
  return { name, unit, ours, plain, ratio: ours / plain, limit };
}

function blankBoard(): Hardware {
  const chip = chipByName("esp32");
  if (chip === undefined) throw new Error("there is no esp32");
  return { flash: new NorFlash(4 * 2 ** 20), chip, efuse: new Efuse(chip, {}) };
}

/** What our flasher does over a cable with a rate, from connecting on. */
async function costOf(hardware: Hardware, use: (flasher: Flasher) => Promise<unknown>): Promise<Cost> {
  const cable = new SerialCable({ hardware });
  const line = await openBindingLine(new SimulatedBinding(cable), "/dev/ttyUSB0");
  await use(await Flasher.connect(line, { baudRate: BAUD_RATE }));
  const { bytesToBoard, elapsedMs } = cable.model;
  await line.close();
  cable.stop();
  return { bytes: bytesToBoard, ms: elapsedMs };
}

/** What a program does with a new, blank board behind `socket://`. */
async function onNetwork(use: (port: string) => Promise<void>): Promise<Cost> {
  const cable = new SerialCable({ hardware: blankBoard() });
  const network = await listenOnTcp(cable, { host: "127.0.0.1", port: 0 });
  try {
    await use(`socket://127.0.0.1:${network.port}`);
    return { bytes: cable.model.bytesToBoard, ms: cable.model.elapsedMs };
  } finally {
    await network.close();
    cable.stop();
  }
}

async function timeOnNetwork(use: (port: string) => Promise<void>): Promise<number> {
  let ms = 0;
  await onNetwork(async (port) => {
    const startedAt = performance.now();
    await use(port);
    ms = performance.now() - startedAt;
  });
  return ms;
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "inherit"] });
  const [status] = await once(child, "close");
  if (status !== 0) throw new Error(`${program} ended with ${status}`);
}
