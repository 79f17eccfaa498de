// Flash settings of a build go into the bootloader's header byte for byte as esptool writes them.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  BootloaderFirmware,
  Efuse,
  type Hardware,
  listenOnTcp,
  type NetworkPort,
  NorFlash,
  runBootloader,
  SerialCable,
} from "@tinybms/firmware-sim";
import {
  buildAppImage,
  buildPartitionTable,
  type ChipName,
  chipByName,
  parsePartitionCsv,
} from "@tinybms/ota-core/esp";
import { afterEach, beforeEach, expect, test } from "vitest";
import { buildBootloader } from "../packages/ota-core/test/build-flash-dump.ts";
import { runCommand } from "../packages/ota-publisher/test/release-line.ts";
import { hasNoJudges, JUDGES, judge } from "./judges-python.ts";

const CASE = fileURLToPath(new URL("fixtures/formats/F9-flash-size-detect/", import.meta.url));
const MEBIBYTE = 2 ** 20;

let folder: string;
let ports: NetworkPort[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-flash-settings-"));
  ports = [];
});

afterEach(async () => {
  for (const port of ports) await port.close();
  rmSync(folder, { recursive: true, force: true });
});

async function blankBoard(chip: ChipName, sizeBytes = 4 * MEBIBYTE): Promise<{ hardware: Hardware; port: string }> {
  const facts = chipByName(chip)!;
  const hardware = { flash: new NorFlash(sizeBytes), chip: facts, efuse: new Efuse(facts, {}) };
  const cable = new SerialCable({ hardware, firmware: new BootloaderFirmware(hardware), needsBootloader: true });
  const network = await listenOnTcp(cable, { host: "127.0.0.1", port: 0 });
  ports.push(network);
  return { hardware, port: `socket://127.0.0.1:${network.port}` };
}

/** What idf.py flash does. */
function esptoolJob(port: string, chip: string, args: readonly string[], files: readonly string[]) {
  const line = ["--chip", chip, "--port", port, "--before", "no-reset", "--after", "no-reset"];
  return { tool: "esptool", args: [...line, "write-flash", ...args, ...files] } as const;
}

const flash = (port: string, ...args: readonly string[]) =>
  runCommand(["flash", "--json", "--watch", "0", "--port", port, ...args]);

const flashOf = ({ flash: cells }: Hardware) => Buffer.from(cells.truth(0, cells.sizeBytes));

test.skipIf(hasNoJudges)(`F9: a board flashed with flash_size detect boots, as after esptool${JUDGES}`, async () => {
  const [ours, theirs] = [await blankBoard("esp32"), await blankBoard("esp32")];
  const { exitCode, stderr } = await flash(ours.port, "--all", join(CASE, "flasher_args.json"));
  expect(exitCode, stderr).toBe(0);
  const { flash_files: files, write_flash_args: args } = JSON.parse(
    readFileSync(join(CASE, "flasher_args.json"), "utf8"),
  );
  const placed = Object.entries(files as Record<string, string>).flatMap(([offset, name]) => [
    offset,
    join(CASE, name),
  ]);
  const options = (args as string[]).map((arg) => (arg.startsWith("--") ? arg.replaceAll("_", "-") : arg));
  const [verdict] = await judge([esptoolJob(theirs.port, "esp32", options, placed)]);
  expect(verdict?.ok, verdict?.output).toBe(true);
  expect(flashOf(ours.hardware).equals(flashOf(theirs.hardware))).toBe(true);
  expect(ours.hardware.flash.truth(0x1003, 1)[0]! >>> 4).toBe(2); // 4 MB; the file says 1 MB
  expect(runBootloader(ours.hardware)).toMatchObject({ kind: "boots", image: { descriptor: { version: "1.0" } } });
});

test("F9: with flash_size keep the board would not start, and nothing is written", async () => {
  const { hardware, port } = await blankBoard("esp32");
  const { exitCode, stdout } = await flash(port, "--all", join(CASE, "flasher_args.json"), "--flash-size", "keep");
  expect(exitCode).not.toBe(0);
  const [{ error }] = JSON.parse(stdout).boards;
  expect(error).toMatchObject({ code: "serial/would-not-start" });
  expect(error.message).toContain("past the flash of 1 MiB");
  expect(error.hint).toContain("--flash-size detect");
  expect(flashOf(hardware).every((byte) => byte === 0xff)).toBe(true);
  const forced = ["--flash-size", "keep", "--force"];
  const { exitCode: code, stderr } = await flash(port, "--all", join(CASE, "flasher_args.json"), ...forced);
  expect(code, stderr).toBe(0);
});

test.skipIf(hasNoJudges).for([
  ["esp32", "qio", "2MB", "80m", 4],
  ["esp32", "keep", "keep", "26m", 4],
  ["esp32s3", "dout", "detect", "keep", 16],
  ["esp32c3", "qout", "detect", "20m", 2],
  ["esp32c6", "dio", "detect", "80m", 8],
  ["esp32h2", "keep", "4MB", "48m", 4],
] as const)(
  `%s with %s, %s and %s gets the header that esptool writes${JUDGES}`,
  async ([chip, mode, size, freq, mib]) => {
    const csv = "nvs,data,nvs,,0x5000\notadata,data,ota,,0x2000\nota_0,app,ota_0,0x20000,512K\nota_1,app,ota_1,,512K\n";
    const put = (name: string, bytes: Uint8Array) => {
      writeFileSync(join(folder, name), bytes);
      return join(folder, name);
    };
    const offset = `0x${chipByName(chip)!.bootloaderOffset.toString(16)}`;
    const files = [
      [offset, put("bootloader.bin", buildBootloader(chip))],
      ["0x8000", put("table.bin", buildPartitionTable(parsePartitionCsv(csv)))],
      ["0x20000", put("app.bin", buildAppImage({ chip, version: "1.0.0", projectName: "bench", sizeBytes: 20_000 }))],
    ] as const;
    const options = ["--flash-mode", mode, "--flash-size", size, "--flash-freq", freq];
    const [ours, theirs] = [await blankBoard(chip, mib * MEBIBYTE), await blankBoard(chip, mib * MEBIBYTE)];
    const images = files.flatMap(([at, file]) => ["--image", `${file}@${at}`]);
    const { exitCode, stderr } = await flash(ours.port, ...images, ...options);
    expect(exitCode, stderr).toBe(0);
    const [verdict] = await judge([esptoolJob(theirs.port, chip, options, files.flat())]);
    expect(verdict?.ok, verdict?.output).toBe(true);
    expect(flashOf(ours.hardware).equals(flashOf(theirs.hardware))).toBe(true);
    expect(runBootloader(ours.hardware)).toMatchObject({ kind: "boots" });
  },
);
