// esp-idf-nvs-partition-gen makes NVS partitions of both format versions: our reader must find in
// them what was put in.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toHex } from "@tinybms/ota-core";
import { readNvsPartition } from "@tinybms/ota-core/esp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createRandom } from "../firmware-sim/src/random/random.ts";
import { hasNoJudges, JUDGES, judge } from "./judges-python.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tinybms-judges-nvs-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Value {
  readonly namespace: string;
  readonly key: string;
  /** As in the generator's column `encoding`. */
  readonly encoding: "u8" | "i8" | "u16" | "i16" | "u32" | "i32" | "u64" | "i64" | "string" | "hex2bin" | "base64";
  readonly value: number | bigint | string | Uint8Array;
}

interface Case {
  readonly name: string;
  readonly version: 1 | 2;
  readonly size: number;
  readonly values: readonly Value[];
}

const INTEGERS = [
  ["u8", 255],
  ["i8", -128],
  ["u16", 65_535],
  ["i16", -32_768],
  ["u32", 4_294_967_295],
  ["i32", -2_147_483_648],
  ["u64", 18_446_744_073_709_551_615n],
  ["i64", -9_223_372_036_854_775_808n],
] as const;

/** The generator's limit for version 1, for strings too with their NUL. */
const BLOB_SIZE_MAX = { 1: 1984, 2: 9000 } as const;

const bytesOf = (size: number, seed: number) =>
  Uint8Array.from({ length: size }, (_, index) => (index * 7 + seed) & 255);

/** Every encoding at its limits, and sizes around those of an entry (32 bytes) and a page. */
function limits(version: 1 | 2): Case {
  const namespace = "limits";
  const numbers = INTEGERS.flatMap(([encoding, value]): Value[] => [
    { namespace, key: `${encoding}_end`, encoding, value },
    { namespace, key: `${encoding}_0`, encoding, value: typeof value === "bigint" ? 0n : 0 },
  ]);
  const strings = [0, 1, 30, 31, 32, 33, 1000, version === 1 ? 1983 : 3967].map((length): Value => {
    return { namespace: "text", key: `s${length}`, encoding: "string", value: "x".repeat(length) };
  });
  const blobs = [1, 31, 32, 33, 1983, 1984, 4000, 4032, 9000]
    .filter((size) => size <= BLOB_SIZE_MAX[version])
    .map((size): Value => ({ namespace: "blobs", key: `b${size}`, encoding: "hex2bin", value: bytesOf(size, size) }));
  return { name: `limits of version ${version}`, version, size: 0x10000, values: [...numbers, ...strings, ...blobs] };
}

/** Values drawn at random, in namespaces of their own, until some pages are full. */
function random(seed: number): Case {
  const draw = createRandom(seed);
  const below = (limit: number) => Math.floor(draw.float() * limit);
  const version = below(2) === 0 ? 1 : 2;
  const values = Array.from({ length: 3 + below(60) }, (_, index): Value => {
    const place = { namespace: `ns${Math.floor(index / 9)}`, key: `key-${index}` };
    const kind = below(5);
    if (kind === 0)
      return { ...place, encoding: "string", value: ["a", "ä", "中", "€ ", "😀"][below(5)]!.repeat(below(500)) };
    if (kind === 1) return { ...place, encoding: "hex2bin", value: bytesOf(1 + below(700), index) };
    if (kind === 2)
      return { ...place, encoding: "base64", value: bytesOf(1 + below(version === 1 ? 400 : 5000), index) };
    const [encoding, end] = INTEGERS[below(INTEGERS.length)]!;
    return { ...place, encoding, value: typeof end === "bigint" ? end : Math.trunc(end * draw.float()) + 0 };
  });
  return { name: `seed ${seed}`, version, size: 0x40000, values };
}

function csvOf(values: readonly Value[]): string {
  const rows = ["key,type,encoding,value"];
  let namespace: string | undefined;
  for (const value of values) {
    if (value.namespace !== namespace) rows.push(`${value.namespace},namespace,,`);
    namespace = value.namespace;
    rows.push(`${value.key},data,${value.encoding},${textOf(value)}`);
  }
  return `${rows.join("\n")}\n`;
}

function textOf({ encoding, value }: Value): string {
  if (!(value instanceof Uint8Array)) return String(value);
  return encoding === "hex2bin" ? toHex(value) : Buffer.from(value).toString("base64");
}

const plain = (value: unknown) => (value instanceof Uint8Array ? toHex(value) : value);

test.skipIf(hasNoJudges)(`we read every NVS partition that the generator writes as it was meant${JUDGES}`, async () => {
  // Below three pages the generator fills them all, and the device may only read.
  const small = { name: "two pages", version: 2, size: 0x2000, values: limits(2).values.slice(0, 22) } as const;
  const cases = [limits(1), limits(2), small, ...Array.from({ length: 24 }, (_, index) => random(index + 1))];
  const jobs = await Promise.all(
    cases.map(async ({ version, size, values }, index) => {
      await writeFile(join(folder, `${index}.csv`), csvOf(values));
      const args = ["generate", join(folder, `${index}.csv`), join(folder, `${index}.bin`), `0x${size.toString(16)}`];
      return { tool: "nvs" as const, args: [...args, "--version", String(version)] };
    }),
  );
  const verdicts = await judge(jobs);
  for (const [index, { name, version, values }] of cases.entries()) {
    expect(verdicts[index]!.ok, `${name}: ${verdicts[index]!.output}`).toBe(true);
    const partition = readNvsPartition(Uint8Array.from(await readFile(join(folder, `${index}.bin`))));
    expect(partition.problems, name).toEqual([]);
    expect(partition.version, name).toBe(version);
    const found = partition.entries.map(({ namespace, key, type, value }) => [namespace, key, type, plain(value)]);
    const wanted = values.map(({ namespace, key, encoding, value }) => {
      const type = encoding === "hex2bin" || encoding === "base64" ? "blob" : encoding;
      return [namespace, key, type, plain(value)];
    });
    const byKey = (left: unknown[], right: unknown[]) => (`${left[0]}/${left[1]}` < `${right[0]}/${right[1]}` ? -1 : 1);
    expect(found.sort(byKey), name).toEqual(wanted.sort(byKey));
  }
});
