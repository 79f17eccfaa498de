import { isOtaError, sha256, toHex } from "@tinybms/ota-core";
import { buildAppImage, buildOtadataEntry, type ChipName, OtaImageState, otadataEntry } from "@tinybms/ota-core/esp";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createDevice } from "../src/device/create-device.ts";
import { matchIdfRelease } from "../src/idf-release/idf-release.ts";
import { publishImage } from "../src/simulation/publish-image.ts";
import { World } from "../src/simulation/world.ts";
import { judgeUpdate, type TwinInput, type TwinResult } from "../src/twin/twin.ts";
import { keyDigestOf, makeSigningKey, signImage } from "./sign-image.ts";
import { type DumpSpec, makeBootloader, makeDump, TWIN_CSV, TWIN_NEW, TWIN_OLD, TWIN_SELECTED } from "./twin-board.ts";

/** What the tests of other things than releases are of. */
const NEWEST = matchIdfRelease("6.2-dev");

interface Question extends Pick<TwinInput, "idf" | "bootloaderIdf" | "appRollback"> {
  readonly update?: Uint8Array;
  readonly efuse?: unknown;
  readonly points?: TwinInput["points"];
}

function ask(
  dump: Uint8Array,
  { update = TWIN_NEW, efuse, points = 40, ...releases }: Question = {},
): Promise<TwinResult> {
  const input: TwinInput = {
    flash: { file: "dump.bin", content: dump },
    update: { file: "update.bin", content: update },
    ...(efuse === undefined ? {} : { efuse: { file: "efuse.json", content: JSON.stringify(efuse) } }),
    idf: NEWEST,
    bootloaderIdf: NEWEST,
    ...releases,
    points,
    seed: 1,
  };
  return judgeUpdate(input, { threads: 0 });
}

const told = ({ verdict, reasons }: TwinResult) => [verdict, ...reasons.map(({ code }) => code)];

const KEY = makeSigningKey("ecdsa-p256");
const OTHER_KEY = makeSigningKey("ecdsa-p256");
const SIGNED: DumpSpec = {
  bootloader: signImage(makeBootloader(), KEY),
  contents: { ota_0: signImage(TWIN_OLD, KEY), otadata: TWIN_SELECTED },
};
const entry = (sequence: number, state: number) => buildOtadataEntry(otadataEntry(sequence, state));
const image = (spec: Parameters<typeof buildAppImage>[0]) => buildAppImage({ sizeBytes: 8192, ...spec });
const running = (app: Uint8Array, otadata = TWIN_SELECTED): DumpSpec => ({ contents: { ota_0: app, otadata } });
const csv = (...rows: readonly string[]) => TWIN_CSV.split("\n").slice(0, 2).concat(rows).join("\n");

/** The entry before is valid, and the update that followed was given up. */
const GIVEN_UP_UPDATE = new Uint8Array(0x2000).fill(0xff);
GIVEN_UP_UPDATE.set(TWIN_SELECTED);
GIVEN_UP_UPDATE.set(entry(2, OtaImageState.ABORTED), 0x1000);

test("answers yes for a sound board and image, with and without rollback in the bootloader", async () => {
  const dump = makeDump({ bootloader: makeBootloader({ idfVersion: "v5.4.1" }) });
  const result = await ask(dump, { points: 400 });
  expect(told(result)).toEqual(["yes"]);
  expect(result.found).toMatchObject({
    chip: "esp32",
    bootloader: { offset: 0x1000, idfVersion: "v5.4.1", rollback: null, antiRollback: null, secureBoot: false },
    slots: [
      { label: "ota_0", contents: "app", valid: true, version: "1.0.0", state: "valid", runs: true },
      { label: "ota_1", contents: "erased", valid: false, version: null, state: null, runs: false },
    ],
    otadata: [
      { sequence: 1, active: true },
      { blank: true, active: false },
    ],
    nvs: [],
  });
  expect(result.builds.map(({ assuming, verdict, points }) => [assuming, verdict, points])).toEqual([
    ["the bootloader performs rollback", "yes", 200],
    ["the bootloader performs no rollback", "yes", 200],
  ]);
  for (const { ends, outcomes } of result.builds) {
    expect(ends.confirmed).toBeGreaterThan(0);
    expect(ends.rolledBack).toBeGreaterThan(0);
    expect(outcomes.old).toBeGreaterThan(100);
  }
  expect([result.points, result.violations]).toEqual([400, []]);
});

test("answers yes for a board that runs an image it had marked invalid", async () => {
  // Row 14 of the edge cases: it starts all the same, and ESP-IDF alone would find nothing to roll back to.
  const result = await ask(makeDump(running(TWIN_OLD, entry(1, OtaImageState.ABORTED))));
  expect(told(result)).toEqual(["yes"]);
  for (const { ends } of result.builds) expect(ends.rolledBack).toBeGreaterThan(0);
});

test.for<[what: string, dump: DumpSpec, question: Question, ...codes: string[]]>([
  ["of another chip", {}, { update: image({ chip: "esp32s3", version: "2.0.0" }) }, "image/wrong-chip"],
  ["larger than the slot", {}, { update: image({ sizeBytes: 0x10010 }) }, "offer/too-large"],
  [
    "of a lower secure version than the eFuse's",
    running(image({ secureVersion: 3 })),
    { update: image({ secureVersion: 2, seed: 2 }), efuse: { secureVersion: 3 } },
    "offer/secure-version",
  ],
  [
    "for a newer chip",
    {},
    { update: image({ minChipRevisionFull: 301, seed: 2 }), efuse: { chipRevision: "3.0" } },
    "image/chip-revision",
  ],
  [
    "for an older chip",
    {},
    { update: image({ maxChipRevisionFull: 199, seed: 2 }), efuse: { chipRevision: "v3.0" } },
    "image/chip-revision",
  ],
  ["of another project", {}, { update: image({ projectName: "other", seed: 2 }) }, "offer/wrong-project"],
  ["unsigned, where the bootloader is signed", SIGNED, {}, "image/unsigned"],
  ["signed by another key", SIGNED, { update: signImage(TWIN_NEW, OTHER_KEY) }, "image/signature-invalid"],
  [
    "for a table without OTA slots",
    { csv: csv("factory, app, factory, 0x30000, 0x10000"), contents: { factory: TWIN_OLD } },
    {},
    "image/no-ota-slots",
  ],
  [
    "for a table with only the slot that runs",
    { csv: csv("ota_0, app, ota_0, 0x30000, 0x10000") },
    {},
    "offer/no-slot",
  ],
  [
    "for a table without otadata",
    { csv: TWIN_CSV.replace(/^otadata.*\n/m, ""), contents: { ota_0: TWIN_OLD } },
    {},
    "image/no-ota-slots",
  ],
])("answers no for an image %s", async ([, dump, question, ...codes]) => {
  expect(told(await ask(makeDump(dump), question))).toEqual(["no", ...codes]);
});

test.for<[what: string, dump: Uint8Array, question: Question, code: string]>([
  ["it has no bootloader", makeDump({ bootloader: null }), {}, "image/not-bootable"],
  ["its bootloader is damaged", makeDump().with(0x1500, 0x55), {}, "image/hash-mismatch"],
  [
    "it is shorter than its bootloader says",
    makeDump({ bootloader: makeBootloader({ spiSize: 2 }) }),
    {},
    "image/truncated",
  ],
  ["no slot holds a whole app", makeDump(running(TWIN_OLD.with(5000, 1 ^ TWIN_OLD[5000]!))), {}, "image/not-bootable"],
  ["it is plain, and the eFuses say encrypted", makeDump(), { efuse: { flashEncryption: true } }, "image/encrypted"],
  [
    "its eFuse may hold a higher secure version",
    makeDump(running(image({ secureVersion: 3 }))),
    {},
    "offer/secure-version",
  ],
  [
    "its chip's revision is not known",
    makeDump(),
    { update: image({ minChipRevisionFull: 300, seed: 2 }) },
    "image/chip-revision",
  ],
  ["its app alone is signed", makeDump(running(signImage(TWIN_OLD, KEY))), {}, "image/unsigned"],
])("cannot tell for a dump where %s", async ([, dump, question, code]) => {
  const result = await ask(dump, question);
  expect(result.verdict).toBe("cannot-tell");
  expect(result.reasons.map((reason) => reason.code)).toContain(code);
});

test("cannot tell if only one of two builds survives, and names the build", async () => {
  const { reasons, builds } = await ask(makeDump(running(signImage(TWIN_OLD, KEY))));
  expect(reasons[0]?.message).toMatch(
    /^if the app requires signatures, as its own signature suggests and .*: the image has no/,
  );
  expect(builds.map(({ verdict }) => verdict)).toEqual(["no", "no", "yes", "yes"]);
  const signed = await ask(makeDump(running(signImage(TWIN_OLD, KEY))), { update: signImage(TWIN_NEW, KEY) });
  expect(told(signed)).toEqual(["yes"]);
});

test("uses the eFuses' key for secure boot, or the bootloader's if they are unknown", async () => {
  const update = signImage(TWIN_NEW, KEY);
  expect(told(await ask(makeDump(SIGNED), { update }))).toEqual(["yes"]);
  const efuse = (...keys: readonly (typeof KEY)[]) => {
    return { secureBoot: true, secureBootDigests: keys.map((key) => toHex(keyDigestOf(key))) };
  };
  expect(told(await ask(makeDump(SIGNED), { update, efuse: efuse(KEY) }))).toEqual(["yes"]);
  expect(told(await ask(makeDump(SIGNED), { update, efuse: efuse() }))).toEqual(["yes"]);
  // With another key burnt not even the app on the board would start: the eFuses are of another board.
  expect(told(await ask(makeDump(SIGNED), { update, efuse: efuse(OTHER_KEY) }))).toEqual([
    "cannot-tell",
    "image/not-bootable",
  ]);
});

test.for<[what: string, dump: DumpSpec, efuse: unknown, builds: readonly string[]]>([
  [
    "an aborted entry",
    running(TWIN_OLD, GIVEN_UP_UPDATE),
    {},
    ["the bootloader performs rollback", "the bootloader performs anti-rollback"],
  ],
  ["a burnt secure version", running(image({ secureVersion: 1 })), { secureVersion: 1 }, [""]],
  [
    "a log line",
    { bootloader: makeBootloader({ text: "Enabled a check secure version of app for anti rollback" }) },
    {},
    [""],
  ],
  [
    "a log line that others have too",
    {
      ...running(image({ secureVersion: 1 })),
      bootloader: makeBootloader({ text: "Loaded app from partition at offset" }),
    },
    {},
    ["the bootloader performs rollback", "the bootloader performs no rollback"],
  ],
  [
    "a secure version that may be burnt",
    running(image({ secureVersion: 1 })),
    {},
    [
      "the bootloader performs rollback",
      "the bootloader performs no rollback",
      "the bootloader performs anti-rollback",
    ],
  ],
])("infers the bootloader's build from %s", async ([, dump, efuse, builds]) => {
  const update = image({ secureVersion: 1, version: "2.0.0", seed: 2 });
  const result = await ask(makeDump(dump), { update, efuse, points: 10 });
  expect(told(result)).toEqual(["yes"]);
  expect(result.builds.map(({ assuming }) => assuming)).toEqual(builds);
});

test.for<[chip: ChipName, tableOffset: number]>([
  ["esp32", 0x10000],
  ["esp32s3", 0xc000],
  ["esp32c6", 0x8000],
  ["esp32p4", 0x8000],
])("supports %s with its partition table at %i", async ([chip, tableOffset]) => {
  const contents = { ota_0: image({ chip }), otadata: TWIN_SELECTED };
  const result = await ask(makeDump({ chip, tableOffset, contents }), { update: image({ chip, seed: 2 }) });
  expect(told(result)).toEqual(["yes"]);
  expect(result.found).toMatchObject({ chip, partitionTableOffset: tableOffset });
});

test("answers yes without an update if the board already runs the image", async () => {
  expect(told(await ask(makeDump(), { update: TWIN_OLD }))).toEqual(["yes", "simulation/already-installed"]);
});

/** Bytes spread evenly, as a cipher's. */
function noise(length: number, seed: number): Uint8Array {
  const blocks = Array.from({ length: length / 32 }, (_, index) => sha256(Uint8Array.of(seed, index, index >> 8)));
  const bytes = new Uint8Array(length);
  for (const [index, block] of blocks.entries()) bytes.set(block, 32 * index);
  return bytes;
}

function encrypted(): Uint8Array {
  const dump = new Uint8Array(2 ** 20).fill(0xff);
  for (const [seed, offset] of [0x1000, 0x30000, 0x40000].entries()) dump.set(noise(0x8000, seed), offset);
  return dump;
}

const TORN = makeDump().fill(0, 0x8020, 0x8040);

test.for<[what: string, dump: Uint8Array, code: string, message: RegExp]>([
  [
    "of an odd size",
    makeDump().subarray(0, 999_999),
    "simulation/flash-invalid",
    /999999 bytes; the size of a flash must be/,
  ],
  ["with nothing in it", new Uint8Array(2 ** 20).fill(0xff), "image/empty", /erased flash/],
  ["of no byte", new Uint8Array(0), "image/empty", /an empty file/],
  ["with a torn table", TORN, "image/partition-table-invalid", /no partition table at 0x8000/],
  [
    "whose table has a flipped bit",
    makeDump().with(0x8004, 1),
    "image/partition-table-invalid",
    /partition table at 0x8000 is invalid/,
  ],
  [
    "with no table",
    makeDump().fill(0xff, 0x8000, 0x9000),
    "image/partition-table-invalid",
    /no partition table at 0x8000/,
  ],
  ["of an encrypted board", encrypted(), "image/encrypted", /looks encrypted/],
  ["that is an app", TWIN_OLD, "image/unknown-format", /not a flash dump but an app image/],
  // An ESP8266 app: segments begin at 8, and its code lies at 0x4010_0000.
  [
    "of an ESP8266",
    new Uint8Array(2 ** 20)
      .fill(0xff)
      .fill(0, 0, 16)
      .map((byte, at) => [0xe9, 1, 0, 0, 0, 0, 0x10, 0x40, 0, 0, 0x10, 0x40][at] ?? byte),
    "image/wrong-chip",
    /ESP8266/,
  ],
])("rejects a dump %s, and says what it is", async ([, dump, code, message]) => {
  await expect(ask(dump)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
});

test.for<[what: string, update: Uint8Array, code: string]>([
  ["with bytes behind it", new Uint8Array([...TWIN_NEW, 0, 0]), "image/invalid"],
  ["with a flipped bit", TWIN_NEW.with(6000, TWIN_NEW[6000]! ^ 1), "image/checksum-mismatch"],
  ["that is a bootloader", makeBootloader(), "image/invalid"],
  ["that is a whole flash", makeDump(), "image/unknown-format"],
  ["of no byte", new Uint8Array(0), "image/empty"],
])("rejects an update %s", async ([, update, code]) => {
  await expect(ask(makeDump(), { update })).rejects.toMatchObject({
    code,
    message: expect.stringContaining("update.bin: "),
  });
});

test("rejects an incomplete update of any length", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: TWIN_NEW.length - 1 }), async (length) => {
      await expect(ask(makeDump(), { update: TWIN_NEW.subarray(0, length) })).rejects.toSatisfy(isOtaError);
    }),
    { numRuns: 60 },
  );
});

/** What comes of the update on a device made of the dump, in a world of its own. */
function updated(flashDump: Uint8Array): string {
  const device = createDevice({ id: "bench-1", flashDump });
  const world = new World({ seed: 1, devices: [device] });
  const root = { topicRoot: device.topicRoot, product: "TinyBMS Web Gateway" };
  const sequence = 1 + 2 ** 20; // above whatever the dump's record may say
  const delivery = world.addPublisher(publishImage({ image: TWIN_NEW, ...root, sequence }), device.topicRoot);
  world.runUntil(() => delivery.outcome !== undefined, 3_600_000);
  return `${device.state} ${device.report?.version}`;
}

/** Places where a byte makes a difference, and any other. */
const offsets = fc.oneof(
  fc.integer({ min: 0x1000, max: 0x1800 }), // bootloader
  fc.integer({ min: 0x8000, max: 0x80c0 }), // partition table
  fc.integer({ min: 0x20000, max: 0x20100 }), // NVS
  fc.constantFrom(0x24000, 0x25000).chain((at) => fc.integer({ min: at, max: at + 32 })), // otadata
  fc.integer({ min: 0x30000, max: 0x32000 }), // the app that runs
  fc.nat(2 ** 20 - 1),
);
const mutation = fc.record({ offset: offsets, bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }) });

test("answers yes to a damaged dump only if the simulated update succeeds", async () => {
  const verdicts = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 3 }), async (mutations) => {
      const dump = makeDump();
      for (const { offset, bytes } of mutations) dump.set(bytes.subarray(0, dump.length - offset), offset);
      try {
        const { verdict, builds, violations } = await ask(dump, { points: 8 });
        verdicts.add(verdict);
        if (verdict !== "yes") return;
        expect(violations).toEqual([]);
        expect(builds.length).toBeGreaterThan(0);
        expect(updated(dump)).toBe("confirmed 2.0.0");
      } catch (error) {
        if (!isOtaError(error)) throw error;
        verdicts.add("refused");
      }
    }),
    { numRuns: 60 },
  );
  expect([...verdicts].sort()).toEqual(["cannot-tell", "refused", "yes"]);
});
