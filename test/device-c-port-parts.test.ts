import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { buildAppImage, type OtadataEntry, OtaImageState } from "@tinybms/ota-core/esp";

import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import {
  deselectTarget,
  findUpdateTarget,
  invalidateInactiveEntry,
  isRunningPending,
  isRunningRecorded,
  isRunningSelected,
  recordRunningAnew,
  repairBootSelection,
} from "../firmware-sim/src/agent/boot-selection-repair.ts";
import { hashImage } from "../firmware-sim/src/agent/running-image.ts";
import { StoredText } from "../firmware-sim/src/agent/stored-text.ts";
import { runBootloader } from "../firmware-sim/src/boot/bootloader.ts";
import { esp_image_get_metadata } from "../firmware-sim/src/esp-idf/esp-image.ts";
import { esp_ota_get_running_partition } from "../firmware-sim/src/esp-idf/esp-ota-query.ts";
import { flashOf } from "../firmware-sim/src/esp-idf/esp-partition.ts";
import { NorFlash } from "../firmware-sim/src/flash/nor-flash.ts";
import {
  type NvsHandle,
  nvs_erase_key,
  nvs_flash_init,
  nvs_get_str_bytes,
  nvs_open,
  nvs_set_str,
} from "../firmware-sim/src/nvs/nvs.ts";
import {
  type BoardSpec,
  board,
  entry,
  OTADATA_OFFSET,
  partition,
  start,
  torn,
} from "../firmware-sim/test/board-spec.ts";
import { makeSigningKey, signImage } from "../firmware-sim/test/sign-image.ts";
import { signedBytes } from "../packages/ota-core/src/messages/envelope.ts";
import { createBenchKey } from "../packages/ota-core/test/bench-keys.ts";
import { buildPort, canBuildPort, hex, runPort } from "./device-c-port.ts";

const FLASH_SIZE = 1024 * 1024;

const otadataEntry: fc.Arbitrary<OtadataEntry | undefined> = fc.option(
  fc
    .record({
      sequence: fc.integer({ min: 1, max: 4 }),
      state: fc.constantFrom(...Object.values(OtaImageState)),
      isTorn: fc.nat(5).map((number) => number === 0),
    })
    .map(({ sequence, state, isTorn }) => (isTorn ? torn(sequence, state) : entry(sequence, state))),
  { nil: undefined },
);

const spec: fc.Arbitrary<BoardSpec> = fc.record({
  factory: fc.boolean(),
  slots: fc.constantFrom([0, 1], [0, 1, 2]),
  otadata: fc.tuple(otadataEntry, otadataEntry),
  corrupt: fc.subarray([0, 1, 2]),
});

const flag = (value: boolean) => (value ? "1" : "0");

describe.skipIf(!canBuildPort)("the ESP-IDF port on the host", () => {
  beforeAll(() => buildPort("port_host", "port_host_v5"));

  test("judges and repairs otadata as the simulator's agent does", () => {
    fc.assert(
      fc.property(spec, fc.boolean(), (wanted, isOnProbation) => {
        const hardware = board(wanted);
        fc.pre(runBootloader(board(wanted), {}).kind === "boots");
        const app = start(hardware);
        const before = hardware.flash.read(0, FLASH_SIZE);
        const judge = () =>
          `judge ${flag(isRunningSelected(app))} ${flag(isRunningPending(app))} ${flag(isRunningRecorded(app))}`;
        const target = findUpdateTarget(app);
        const label = target?.slot.slot ?? "ota_0";
        const expected = [`target ${target?.slot.slot ?? "-"} ${flag(target?.slot.condemned ?? false)}`, judge()];
        repairBootSelection(app, isOnProbation);
        expected.push(judge());
        expected.push(`err ${deselectTarget(app, partition(app, label))}`);
        expected.push(`err ${invalidateInactiveEntry(app)}`, `err ${recordRunningAnew(app)}`, judge());
        const running = esp_ota_get_running_partition(app).label;
        const commands = ["target", "judge", `repair ${flag(isOnProbation)}`, "judge", `deselect ${label}`];
        const ran = runPort(before, running, [...commands, "invalidate", "record", "judge", "dump"]);
        expect(ran.lines).toEqual(expected);
        const otadata = (flash: Uint8Array) => hex(flash.subarray(OTADATA_OFFSET, OTADATA_OFFSET + 0x2000));
        expect(otadata(ran.flash)).toBe(otadata(hardware.flash.read(0, FLASH_SIZE)));
      }),
      { numRuns: 100 },
    );
  });

  test("measures a signed image with its signature sector, and a prefix in the same pass", () => {
    const image = buildAppImage({ chip: "esp32", version: "1.0.0", sizeBytes: 20_000 });
    const signed = board({ sign: (bytes) => signImage(bytes, makeSigningKey("ecdsa-p256")) });
    for (const hardware of [board({ images: new Map([[0, { sizeBytes: 20_000 }]]) }), signed]) {
      const app = start(hardware);
      const running = esp_ota_get_running_partition(app);
      const { image: found } = esp_image_get_metadata(app, running);
      const stored = createHash("sha256").update(hardware.flash.read(running.address, image.length)).digest("hex");
      const commands = [`measure ota_0 ${image.length}`];
      const expected = [
        `measured ${hex(hashImage(flashOf(app, running), running, found!.imageSizeBytes))}`,
        `stored ${stored}`,
      ];
      for (const build of ["port_host", "port_host_v5"] as const) {
        expect(runPort(hardware.flash.read(0, FLASH_SIZE), "ota_0", commands, build).lines).toEqual(expected);
      }
    }
  });

  test("verifies signatures with PSA and with Mbed TLS as OpenSSL does", () => {
    for (const [type, algorithm] of [
      ["ecdsa", 1],
      ["rsa", 2],
    ] as const) {
      const key = createBenchKey(type);
      const message = signedBytes("offer", Buffer.from("payload"));
      const digest = createHash("sha256").update(message).digest("hex");
      const raw = type === "ecdsa" ? key.spki.subarray(-65) : key.spki.subarray(24);
      const signature = key.sign(message);
      const ask = (bytes: Uint8Array, of = digest) =>
        `verify ${algorithm} ${hex(key.spki)} ${hex(raw)} ${of} ${hex(bytes)}`;
      const flipped = signature.with(40, (signature[40] ?? 0) ^ 1);
      const commands = [ask(signature), ask(flipped), ask(signature.subarray(1)), ask(signature, "00".repeat(32))];
      for (const build of ["port_host", "port_host_v5"] as const) {
        const { lines } = runPort(board().flash.read(0, FLASH_SIZE), "ota_0", commands, build);
        expect(lines).toEqual(["valid 1", "valid 0", "valid 0", "valid 0"]);
      }
    }
  });

  test("exchanges NVS texts with the simulator in both directions", () => {
    const flash = board().flash.read(0, FLASH_SIZE);
    const lengths = fc.array(fc.integer({ min: 1, max: 5_500 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(lengths, fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), (sizes, areOnBoard) => {
        const handle = openNvs();
        let expected = "";
        sizes.forEach((size, index) => {
          // The simulator writes only ASCII. The port splits anywhere, even within a character.
          expected = wholeText(`${index}${areOnBoard[index] ? "é".repeat(size / 2) : "x".repeat(size)}`);
          if (areOnBoard[index]) {
            const ran = runPort(flash, "ota_0", [...nvsCommands(handle), `text record ${hex(expected)}`, "dump"]);
            restore(handle, ran.lines);
          } else {
            expect(textIn(handle).store(expected, expected, () => 0)).toBe(0);
          }
          expect(textIn(handle).value).toBe(expected);
          const [line] = runPort(flash, "ota_0", [...nvsCommands(handle), "text record"]).lines;
          expect(line).toBe(`text ${hex(expected)}`);
        });
      }),
      { numRuns: 15 },
    );
  });

  test("keeps the previous text where NVS is full", () => {
    const old = wholeText("old");
    const commands = [`text record ${hex(old)}`, "full", `text record ${hex(wholeText("new"))}`];
    const flash = board().flash.read(0, FLASH_SIZE);
    expect(() => runPort(flash, "ota_0", commands)).toThrow("failed");
    const { lines } = runPort(flash, "ota_0", [...commands.slice(0, 1), "text record"]);
    expect(lines).toEqual([`text ${hex(old)}`]);
  });
});

/** A text in front of which its CRC-32 stands. */
function wholeText(text: string): string {
  return crc32(Buffer.from(text)).toString(16).padStart(8, "0") + text;
}

function openNvs(): NvsHandle {
  const flash = new NorFlash(FLASH_SIZE);
  const { nvs } = nvs_flash_init({
    sizeBytes: 0x8000,
    read: (offset, length) => flash.read(offset, length),
    program: (offset, bytes) => void flash.program(offset, bytes),
    eraseSector: (offset) => void flash.eraseSector(offset),
  });
  return nvs_open(nvs!, "tinybms_ota", "readwrite").handle!;
}

const KEYS = [0, 1].flatMap((turn) => [`record_${turn}`, ...[1, 2, 3].map((piece) => `record_${turn}.${piece}`)]);

function textIn(handle: NvsHandle): StoredText<string> {
  return new StoredText(handle, "record", (text) => (text === wholeText(text.slice(8)) ? text : undefined));
}

function nvsCommands(handle: NvsHandle): readonly string[] {
  return KEYS.flatMap((key) => {
    const { value } = nvs_get_str_bytes(handle, key);
    return value === undefined ? [] : [`nvs s tinybms_ota ${key} ${hex(value)}`];
  });
}

/** Makes the simulated NVS equal to what a run left. */
function restore(handle: NvsHandle, lines: readonly string[]): void {
  for (const key of KEYS) nvs_erase_key(handle, key);
  for (const line of lines) {
    const [, type, , key = "", value = ""] = line.split(" ");
    if (type === "s") expect(nvs_set_str(handle, key, Buffer.from(value, "hex"))).toBe(0);
  }
}
