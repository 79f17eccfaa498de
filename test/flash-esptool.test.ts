// What our flasher leaves on a board is what esptool leaves, and esptool finds it right.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
  parseAppImage,
  parsePartitionCsv,
  TWO_OTA_LARGE_PARTITION_CSV,
} from "@tinybms/ota-core/esp";
import { afterEach, beforeEach, expect, test } from "vitest";
import { buildBootloader } from "../packages/ota-core/test/build-flash-dump.ts";
import { runCommand } from "../packages/ota-publisher/test/release-line.ts";
import { FIRMWARE, firmware, hasNoFirmware } from "./firmware-folder.ts";
import { hasNoJudges, JUDGES, judge } from "./judges-python.ts";

const CHIPS: readonly ChipName[] = ["esp32", "esp32s2", "esp32s3", "esp32c3", "esp32c6", "esp32h2"];
const TABLE = parsePartitionCsv(TWO_OTA_LARGE_PARTITION_CSV);
/** Where that table has otadata, which the first start writes, and the end of it. */
const OTADATA = [0xf000, 0x1_1000] as const;

let folder: string;
let ports: NetworkPort[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-flash-esptool-"));
  ports = [];
});

afterEach(async () => {
  for (const port of ports) await port.close();
  rmSync(folder, { recursive: true, force: true });
});

function fileOf(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

interface BoardOnNetwork {
  readonly hardware: Hardware;
  readonly port: string;
}

async function blankBoard(chip: ChipName): Promise<BoardOnNetwork> {
  const facts = chipByName(chip)!;
  const hardware = { flash: new NorFlash(4 * 2 ** 20), chip: facts, efuse: new Efuse(facts, {}) };
  const cable = new SerialCable({ hardware, firmware: new BootloaderFirmware(hardware), needsBootloader: true });
  const network = await listenOnTcp(cable, { host: "127.0.0.1", port: 0 });
  ports.push(network);
  return { hardware, port: `socket://127.0.0.1:${network.port}` };
}

test.skipIf(hasNoJudges).for(CHIPS)(
  `an %s that we flash holds and starts what one does that esptool flashes, and esptool verifies it${JUDGES}`,
  async (chip) => {
    const bootloader = fileOf("bootloader.bin", buildBootloader(chip, { size: 0x3e00 }));
    const table = fileOf("table.bin", buildPartitionTable(TABLE));
    const app = fileOf("app.bin", buildAppImage({ chip, projectName: "bench", version: "1.2.3", sizeBytes: 0x1_9000 }));
    const bootloaderOffset = `0x${(chipByName(chip)?.bootloaderOffset ?? 0).toString(16)}`;
    const parts = [
      [bootloaderOffset, bootloader],
      ["0x8000", table],
      ["0x20000", app],
    ] as const;
    const [ours, theirs] = [await blankBoard(chip), await blankBoard(chip)];

    const images = parts.flatMap(([offset, file]) => ["--image", `${file}@${offset}`]);
    const { exitCode, stdout, stderr } = await runCommand(["flash", "--json", "--port", ours.port, ...images]);
    expect(exitCode, stderr).toBe(0);
    expect(JSON.parse(stdout).boards).toMatchObject([{ slot: "ota_0", started: { version: "1.2.3" } }]);

    const line = (port: string) => ["--port", port, "--before", "no-reset", "--after", "no-reset"];
    const verdicts = await judge([
      { tool: "esptool", args: [...line(theirs.port), "write-flash", ...parts.flat()] },
      { tool: "esptool", args: [...line(ours.port), "verify-flash", ...parts.flat()] },
    ]);
    for (const { ok, output } of verdicts) expect(ok, output).toBe(true);

    const outcomes = [ours, theirs].map(({ hardware }) => runBootloader(hardware));
    expect(outcomes[0]).toEqual(outcomes[1]);
    const [left, right] = [ours, theirs].map(({ hardware }) => hardware.flash.truth(0, hardware.flash.sizeBytes));
    for (const [from, to] of [
      [0, OTADATA[0]],
      [OTADATA[1], left!.length],
    ] as const) {
      expect(Buffer.compare(left!.subarray(from, to), right!.subarray(from, to))).toBe(0);
    }
  },
);

test.skipIf(hasNoFirmware)(
  `a published build, with its bootloader, table and otadata in one file, is flashed and starts, and then its update${FIRMWARE}`,
  async () => {
    const { hardware, port } = await blankBoard("esp32");
    const boot = fileOf("boot.bin", firmware("boot/esp32_bootloader_v4.bin"));
    const old = firmware("0.14.3/WLED_0.14.3_ESP32.bin");
    const whole = ["--image", `${boot}@0x0`, "--image", `${fileOf("old.bin", old)}@0x10000`];
    const first = await runCommand(["flash", "--json", "--port", port, ...whole]);
    expect(first.exitCode, first.stderr).toBe(0);
    const version = parseAppImage(old).descriptor?.version;
    expect(JSON.parse(first.stdout).boards).toMatchObject([{ slot: "ota_0", started: { version } }]);

    const next = firmware("0.14.4/WLED_0.14.4_ESP32.bin");
    const second = await runCommand(["flash", "--json", "--port", port, "--app", fileOf("new.bin", next)]);
    expect(second.exitCode, second.stderr).toBe(0);
    const [board] = JSON.parse(second.stdout).boards;
    expect(board).toMatchObject({ slot: "ota_1", written: next.length + 0x1000 });
    const { offset } = board.parts[0];
    expect(Buffer.compare(hardware.flash.truth(offset, next.length), next)).toBe(0);
    expect(runBootloader(hardware)).toMatchObject({ kind: "boots", partition: { offset } });
  },
);
