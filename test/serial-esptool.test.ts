// Real esptool flashes the simulated ROM and stub of every chip, and what it flashed boots.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  BootloaderFirmware,
  Efuse,
  listenOnRfc2217,
  listenOnTcp,
  NorFlash,
  parseFault,
  SerialCable,
  type SerialCableOptions,
} from "@tinybms/firmware-sim";
import { concatBytes, equalBytes } from "@tinybms/ota-core";
import {
  buildAppImage,
  buildPartitionTable,
  type ChipName,
  chipByName,
  parsePartitionCsv,
  TWO_OTA_LARGE_PARTITION_CSV,
} from "@tinybms/ota-core/esp";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { FIRMWARE, firmware, hasNoFirmware } from "./firmware-folder.ts";
import { hasNoJudges, JUDGES, judge } from "./judges-python.ts";

const CHIPS: readonly ChipName[] = ["esp32", "esp32s2", "esp32s3", "esp32c3", "esp32c6", "esp32h2"];
const TABLE = parsePartitionCsv(TWO_OTA_LARGE_PARTITION_CSV);
const TABLE_OFFSET = 0x8000;
const APP_OFFSET = 0x2_0000;
/** In the second slot, away from everything that boots. */
const SCRATCH_OFFSET = 0x30_0000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tinybms-serial-esptool-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, content: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

/** A connection of bytes alone: esptool can't reset the board, which does it by itself. */
const SOCKET = { scheme: "socket", listen: listenOnTcp, resets: ["--before", "no-reset", "--after", "no-reset"] };
/** A connection with control lines. */
const RFC2217 = { scheme: "rfc2217", listen: listenOnRfc2217, resets: [] };

/** Runs esptool's commands one after the other on a new, blank board. @returns The board, after the last host is gone. */
async function esptool(
  chip: ChipName,
  options: readonly string[],
  commands: readonly (readonly string[])[],
  { scheme, listen, resets } = SOCKET,
  board: Partial<SerialCableOptions> & { readonly secureDownload?: boolean } = {},
) {
  const facts = chipByName(chip)!;
  const { secureDownload = false } = board;
  const hardware = { flash: new NorFlash(4 * 2 ** 20), chip: facts, efuse: new Efuse(facts, { secureDownload }) };
  const software = new BootloaderFirmware(hardware);
  const cable = new SerialCable({ hardware, firmware: software, needsBootloader: true, ...board });
  const network = await listen(cable, { host: "127.0.0.1", port: 0 });
  const line = ["--port", `${scheme}://127.0.0.1:${network.port}`, ...resets];
  const jobs = commands.map((command) => ({ tool: "esptool" as const, args: [...line, ...options, ...command] }));
  const verdicts = await judge(jobs);
  await network.close();
  // Tests that run at the same time share no `expect.poll`.
  await vi.waitFor(() => expect(cable.board.state).toBe("app"), { timeout: 600_000 });
  for (const [index, { ok, output }] of verdicts.entries()) expect(ok, `${commands[index]?.[0]}: ${output}`).toBe(true);
  return { flash: hardware.flash, software, verdicts, model: cable.model };
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

// The first, since it takes longest: pySerial waits for each answer of RFC 2217 by the clock.
test.skipIf(hasNoJudges)(
  `esptool resets a board by its control lines over RFC 2217, changes the rate, and writes and verifies${JUDGES}`,
  { concurrent: true },
  async () => {
    const image = buildAppImage({ chip: "esp32c3", sizeBytes: 0x2000 });
    const path = await file("rfc2217.bin", image);
    const commands = [["--baud", "460800", "write-flash", hex(APP_OFFSET), path]];
    const { flash, verdicts } = await esptool("esp32c3", [], commands, RFC2217);
    expect(verdicts[0]?.output).toContain("Hard resetting via RTS pin...");
    expect(equalBytes(flash.truth(APP_OFFSET, image.length), image)).toBe(true);
  },
);

const MATRIX = CHIPS.flatMap((chip) => [[chip, "ROM", ["--no-stub"]] as const, [chip, "stub", []] as const]);

test.skipIf(hasNoJudges).for(MATRIX)(
  `esptool writes, verifies, reads and erases the flash of %s by its %s, and the device boots it${JUDGES}`,
  { concurrent: true },
  async ([chip, mode, options]) => {
    const name = `${chip}-${mode}`;
    const bootloader = buildAppImage({ chip, seed: 7, sizeBytes: 0x4000 });
    const app = buildAppImage({ chip, projectName: "bench", version: `1.2.3-${mode}`, sizeBytes: 0x9000 });
    const bootloaderOffset = chipByName(chip)?.bootloaderOffset ?? 0;
    const parts = [
      hex(bootloaderOffset),
      await file(`${name}-bootloader.bin`, bootloader),
      hex(TABLE_OFFSET),
      await file(`${name}-table.bin`, buildPartitionTable(TABLE)),
      hex(APP_OFFSET),
      await file(`${name}-app.bin`, app),
    ];
    const scratch = await file(`${name}-scratch.bin`, new Uint8Array(0x2000));
    const readBack = join(folder, `${name}-read.bin`);
    const merged = join(folder, `${name}-merged.bin`);
    const { flash, software, verdicts } = await esptool(chip, options, [
      ["flash-id"],
      ["--chip", chip, "merge-bin", "-o", merged, ...parts],
      ["write-flash", "0x0", merged, hex(SCRATCH_OFFSET), scratch],
      ["verify-flash", ...parts],
      ["read-flash", hex(APP_OFFSET), String(app.length), readBack],
      ["erase-region", hex(SCRATCH_OFFSET), "0x1000"],
    ]);
    const [flashId] = verdicts;
    expect(flashId?.output).toMatch(/Detected flash size:\s+4MB/);
    expect(equalBytes(await readFile(readBack), app)).toBe(true);
    expect(equalBytes(flash.truth(bootloaderOffset, bootloader.length), bootloader)).toBe(true);
    const left = concatBytes([new Uint8Array(0x1000).fill(0xff), new Uint8Array(0x1000)]);
    expect(equalBytes(flash.truth(SCRATCH_OFFSET, 0x2000), left)).toBe(true);
    expect(flash.violationCount).toBe(0);
    expect(software.outcome).toMatchObject({ kind: "boots", image: { descriptor: { version: `1.2.3-${mode}` } } });
  },
);

test.skipIf(hasNoJudges || hasNoFirmware)(
  `a whole flash merged by esptool from real parts is written by it, compressed, and boots${JUDGES}${FIRMWARE}`,
  { concurrent: true },
  async () => {
    const merged = join(folder, "merged.bin");
    const boot = await file("boot.bin", firmware("boot/esp32_bootloader_v4.bin"));
    const app = await file("app.bin", firmware("0.14.4/WLED_0.14.4_ESP32.bin"));
    const { flash, software } = await esptool(
      "esp32",
      [],
      [
        ["--chip", "esp32", "merge-bin", "-o", merged, "0x0", boot, "0x10000", app],
        ["--baud", "921600", "write-flash", "0x0", merged],
      ],
    );
    const whole = new Uint8Array(await readFile(merged));
    expect(equalBytes(flash.truth(0, whole.length), whole)).toBe(true);
    expect(software.outcome).toMatchObject({ kind: "boots", partition: { offset: 0x1_0000 } });
  },
);

test.skipIf(hasNoJudges)(
  `esptool sends a block again that noise spoilt, and the flash is what it should be${JUDGES}`,
  { concurrent: true },
  async () => {
    const image = buildAppImage({ chip: "esp32s3", sizeBytes: 0x9000 });
    const path = await file("noise.bin", image);
    const commands = [["--no-stub", "write-flash", hex(APP_OFFSET), path]];
    const faults = [15_000, 21_000].map((byte) => parseFault(`*:line-flip=to-board,atByte=${byte}`));
    const { flash, verdicts } = await esptool("esp32s3", [], commands, SOCKET, { faults });
    expect(verdicts[0]?.output).toContain("Hash of data verified.");
    expect(equalBytes(flash.truth(APP_OFFSET, image.length), image)).toBe(true);
  },
);

test.skipIf(hasNoJudges)(
  `esptool writes in Secure Download Mode, where nothing can be verified${JUDGES}`,
  { concurrent: true },
  async () => {
    const image = buildAppImage({ chip: "esp32c6", sizeBytes: 0x2000 });
    const path = await file("secure.bin", image);
    const commands = [["--no-stub", "write-flash", "--flash-size", "4MB", hex(APP_OFFSET), path]];
    const { flash, verdicts } = await esptool("esp32c6", [], commands, SOCKET, { secureDownload: true });
    expect(verdicts[0]?.output).toMatch(/Secure Download Mode/i);
    expect(equalBytes(flash.truth(APP_OFFSET, image.length), image)).toBe(true);
  },
);
