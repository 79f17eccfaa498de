// Every class of esptool's commands against the simulated ROM and stub of four chips.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BootloaderFirmware, createRandom, Efuse, listenOnTcp, NorFlash, SerialCable } from "@tinybms/firmware-sim";
import { equalBytes } from "@tinybms/ota-core";
import { buildAppImage, type ChipName, chipByName } from "@tinybms/ota-core/esp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasNoJudges, JUDGES, judge, type ToolVerdict } from "./judges-python.ts";

const CHIPS: readonly ChipName[] = ["esp32", "esp32s3", "esp32c3", "esp32c6"];
const FLASH_SIZE = 4 * 2 ** 20;

/** Where parts of the flash go that commands write. */
const AT = { image: 0x1_0000, noise: 0x10_0000, encrypted: 0x20_0000, plain: 0x30_0000 } as const;

/** Memory that a chip lets a host use. */
const RAM: Readonly<Partial<Record<ChipName, number>>> = {
  esp32: 0x3ffb_0000,
  esp32s3: 0x3fc9_0000,
  esp32c3: 0x3fc9_0000,
  esp32c6: 0x4082_0000,
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tinybms-esptool-commands-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const path = (chip: ChipName, name: string): string => join(folder, `${chip}-${name}`);
const hex = (value: number): string => `0x${value.toString(16)}`;

/** Builds the files that commands of one chip take. */
function filesOf(chip: ChipName) {
  const random = createRandom(20_261_128);
  const image = buildAppImage({ chip, sizeBytes: 0x3000, version: "2.0.0" });
  const noise = Uint8Array.from({ length: 0x5000 }, () => random.integer(0, 255));
  return { "image.bin": image, "noise.bin": noise, "other.bin": noise.toReversed() };
}

interface Row {
  readonly name: string;
  readonly args: (chip: ChipName) => readonly string[];
  /** What esptool prints. */
  readonly prints: RegExp;
  /** Chips on which esptool ends with an error, and says this. All others must succeed. */
  readonly failsOn?: { readonly chips: readonly ChipName[]; readonly prints: RegExp };
}

/** In order, on one board of each chip: what one writes, the next ones read. */
const ROWS: readonly Row[] = [
  { name: "version", args: () => ["version"], prints: /\d+\.\d+/ },
  { name: "image-info of a file", args: (chip) => ["image-info", path(chip, "image.bin")], prints: /\(valid\)/ },
  { name: "chip-id", args: () => ["chip-id"], prints: /MAC:\s+24:0a:c4/ },
  { name: "read-mac", args: () => ["read-mac"], prints: /MAC:\s+24:0a:c4/ },
  { name: "read-mac of the ROM", args: () => ["--no-stub", "read-mac"], prints: /MAC:\s+24:0a:c4/ },
  { name: "flash-id", args: () => ["flash-id"], prints: /Manufacturer: ef[\s\S]*Detected flash size: 4MB/ },
  { name: "flash-id of the ROM", args: () => ["--no-stub", "flash-id"], prints: /Detected flash size: 4MB/ },
  { name: "read-flash-sfdp", args: () => ["read-flash-sfdp", "1", "3"], prints: /0x46 0x44 0x50/ },
  {
    name: "read-flash-status",
    args: () => ["read-flash-status", "--bytes", "2"],
    prints: /Flash memory status: 0x0000/,
  },
  {
    name: "get-security-info",
    args: () => ["get-security-info"],
    prints: /Secure Boot: Disabled[\s\S]*Flash Encryption: Disabled/,
    failsOn: { chips: ["esp32"], prints: /not (supported|implemented)|Invalid|unsupported/i },
  },
  {
    name: "write-flash, compressed",
    args: (chip) => ["write-flash", hex(AT.image), path(chip, "image.bin")],
    prints: /Wrote 12288 bytes \(\d+ compressed\)[\s\S]*Hash of data verified/,
  },
  {
    name: "write-flash of what is there already",
    args: (chip) => ["write-flash", "--skip-flashed", hex(AT.image), path(chip, "image.bin")],
    prints: /already in flash|skip/i,
  },
  {
    name: "write-flash, incompressible",
    args: (chip) => ["write-flash", hex(AT.noise), path(chip, "noise.bin")],
    prints: /Hash of data verified/,
  },
  {
    name: "write-flash, uncompressed",
    args: (chip) => ["write-flash", "--no-compress", hex(AT.plain), path(chip, "image.bin")],
    prints: /Wrote 12288 bytes at[\s\S]*Hash of data verified/,
  },
  {
    name: "write-flash by the ROM, compressed",
    args: (chip) => ["--no-stub", "write-flash", "--compress", hex(AT.plain), path(chip, "other.bin")],
    prints: /compressed[\s\S]*Hash of data verified/,
  },
  {
    name: "write-flash, encrypted",
    args: (chip) => [
      ...["write-flash", "--encrypt", "--ignore-flash-enc-efuse", hex(AT.encrypted)],
      path(chip, "image.bin"),
    ],
    prints: /Wrote 12288 bytes/,
  },
  {
    name: "verify-flash",
    args: (chip) => ["verify-flash", hex(AT.image), path(chip, "image.bin"), hex(AT.noise), path(chip, "noise.bin")],
    prints: /Verification successful/,
  },
  {
    name: "verify-flash of something else",
    args: (chip) => ["verify-flash", hex(AT.noise), path(chip, "other.bin")],
    prints: /never/,
    failsOn: { chips: CHIPS, prints: /Verification failed/ },
  },
  {
    name: "read-flash",
    args: (chip) => ["read-flash", hex(AT.noise), "0x5000", path(chip, "read.bin")],
    prints: /Read 20480 bytes/,
  },
  {
    name: "read-flash by the ROM",
    args: (chip) => ["--no-stub", "read-flash", hex(AT.image), "0x400", path(chip, "read-rom.bin")],
    prints: /Read 1024 bytes/,
  },
  { name: "erase-region", args: () => ["erase-region", hex(AT.noise), "0x1000"], prints: /erased successfully/i },
  {
    name: "write-mem",
    args: (chip) => ["write-mem", hex(RAM[chip] ?? 0), "0xdeadbeef", "0xffffffff"],
    prints: /Wrote 0xdeadbeef/i,
  },
  {
    name: "read-mem of the word that tells the chips apart",
    args: () => ["read-mem", "0x40001000"],
    prints: /0x40001000 = 0x(00f01d83|00000009|6921506f|2ce0806f)/,
  },
  {
    name: "dump-mem",
    args: (chip) => ["dump-mem", "0x40001000", "64", path(chip, "dump.bin")],
    prints: /Dumped 64 bytes/,
  },
  {
    name: "load-ram",
    args: (chip) => ["--no-stub", "load-ram", path(chip, "image.bin")],
    prints: /Loaded 2 segments from .* to RAM, executing at 0x/,
  },
  { name: "run", args: () => ["run"], prints: /reset/i },
  { name: "a higher baud rate", args: () => ["--baud", "921600", "flash-id"], prints: /Changed/ },
  { name: "erase-flash", args: () => ["erase-flash"], prints: /erased successfully/i },
];

/** What came of all rows on one board. */
interface Session {
  readonly verdicts: readonly ToolVerdict[];
  readonly flash: NorFlash;
  /** What the flash held before the last row, `erase-flash`. */
  readonly before: Uint8Array;
}

async function runRows(chip: ChipName): Promise<Session> {
  for (const [name, bytes] of Object.entries(filesOf(chip))) await writeFile(path(chip, name), bytes);
  const facts = chipByName(chip)!;
  const flash = new NorFlash(FLASH_SIZE);
  const hardware = { flash, chip: facts, efuse: new Efuse(facts, {}) };
  const cable = new SerialCable({ hardware, firmware: new BootloaderFirmware(hardware), needsBootloader: true });
  const network = await listenOnTcp(cable, { host: "127.0.0.1", port: 0 });
  const port = ["--chip", chip, "--port", `socket://127.0.0.1:${network.port}`];
  const jobs = ROWS.map(({ args }) => ({ tool: "esptool" as const, args: [...port, ...args(chip)] }));
  const verdicts = await judge(jobs.slice(0, -1));
  const before = flash.truth(0, FLASH_SIZE).slice();
  const last = await judge(jobs.slice(-1));
  await network.close();
  cable.stop();
  return { verdicts: [...verdicts, ...last], flash, before };
}

/** All chips at once: esptool waits most of the time. */
const sessions = new Map<ChipName, Session>();
beforeAll(async () => {
  if (hasNoJudges) return;
  await Promise.all(CHIPS.map(async (chip) => sessions.set(chip, await runRows(chip))));
});

describe.skipIf(hasNoJudges).for(CHIPS)(`esptool on %s${JUDGES}`, (chip) => {
  test.for(ROWS.map((row, index) => [row.name, row, index] as const))("%s", ([, row, index]) => {
    const { ok, output } = sessions.get(chip)!.verdicts[index]!;
    const isRefused = row.failsOn?.chips.includes(chip) ?? false;
    expect(ok, output).toBe(!isRefused);
    expect(output).toMatch(isRefused ? row.failsOn!.prints : row.prints);
  });

  test("the flash holds what was written, and nothing else", async () => {
    const { flash, before } = sessions.get(chip)!;
    const { "image.bin": image } = filesOf(chip);
    const noise = await readFile(path(chip, "noise.bin"));
    const other = await readFile(path(chip, "other.bin"));
    const at = (offset: number, size: number): Uint8Array => before.subarray(offset, offset + size);
    expect(equalBytes(at(AT.image, image.length), image)).toBe(true);
    expect(equalBytes(at(AT.encrypted, image.length), image)).toBe(true);
    expect(equalBytes(at(AT.plain, other.length), other)).toBe(true);
    expect(equalBytes(at(AT.noise, 0x1000), new Uint8Array(0x1000).fill(0xff))).toBe(true);
    expect(equalBytes(at(AT.noise + 0x1000, 0x4000), noise.subarray(0x1000))).toBe(true);
    expect(equalBytes(await readFile(path(chip, "read.bin")), noise)).toBe(true);
    expect(equalBytes(await readFile(path(chip, "read-rom.bin")), image.subarray(0, 0x400))).toBe(true);
    expect(flash.truth(0, FLASH_SIZE).every((byte) => byte === 0xff)).toBe(true);
    expect(flash.violationCount).toBe(0);
  });
});
