// The device's codecs in C against those in TypeScript: the same inputs, the same verdicts. Runs under sanitizers.
import { generateKeyPairSync, hash } from "node:crypto";
import { buildReceiverRecord, isOtaError, parseReceiverRecord, type ReceiverRecord, toHex } from "@tinybms/ota-core";
import { parsePublicKey } from "@tinybms/ota-core/signing";
import fc from "fast-check";
import { describe, test } from "vitest";
import { fromBase64 } from "../packages/ota-core/src/bytes.ts";
import { crc32 } from "../packages/ota-core/src/crc32.ts";
import { parseChunk } from "../packages/ota-core/src/messages/chunk.ts";
import { HashList } from "../packages/ota-core/src/messages/hash-list.ts";
import { isTopicRoot, type ParsedTopic, parseTopic } from "../packages/ota-core/src/messages/topics.ts";
import { isEarlier } from "../packages/ota-core/src/signing/time-floor.ts";
import { clang } from "./device-c-build.ts";
import { expectSameVerdicts } from "./device-c-verdicts.ts";

const digits = (length: number): fc.Arbitrary<string> => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));

/** Replaces one character of some of the texts. */
function withTypos(texts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const typo = fc.tuple(texts, fc.nat(), fc.constantFrom("", "0", "9", "A", "/", "-", "=", "Z", "+", ".", "é", " "));
  return fc.oneof(
    texts,
    typo.map(([text, at, character]) => {
      const start = at % (text.length + 1);
      return text.slice(0, start) + character + text.slice(start + 1);
    }),
  );
}

describe.skipIf(clang === undefined)("codecs in C", () => {
  test("decode the same base64, and encode it back to the same text", () => {
    const valid = fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes).toString("base64"));
    expectSameVerdicts("base64", fc.tuple(withTypos(valid)), (text) => {
      const bytes = fromBase64(text);
      return bytes === undefined ? "no" : `ok ${toHex(bytes)}`;
    });
  });

  test("compute the same SHA-256 of two pieces", () => {
    const piece = fc.uint8Array({ maxLength: 200 });
    expectSameVerdicts(
      "sha256",
      fc.tuple(piece, piece),
      (head, body) => hash("sha256", Buffer.concat([head, body]), "hex"),
      (verdict) => verdict < "8",
    );
  });

  test("escape the same strings as JSON.stringify", () => {
    const text = fc.string({
      unit: fc.oneof(
        fc.string({ unit: "grapheme", maxLength: 1 }),
        fc.nat({ max: 255 }).map((it) => String.fromCharCode(it)),
      ),
    });
    expectSameVerdicts(
      "string",
      fc.tuple(text.map((it) => Buffer.from(it).toString())),
      (it) => `${Buffer.from(JSON.stringify(it)).toString("hex")} 0`,
      (verdict) => verdict.length > 30,
    );
  });

  test("read the same times, and compare them the same way", () => {
    const number = (max: number, width: number): fc.Arbitrary<string> =>
      fc.nat({ max }).map((it) => String(it).padStart(width, "0"));
    const time = fc
      .tuple(
        number(9999, 4),
        number(13, 2),
        number(32, 2),
        number(24, 2),
        number(60, 2),
        number(60, 2),
        fc.constantFrom("", "", ".1", ".12", ".999", ".", ".1234"),
      )
      .map(
        ([year, month, day, hour, minute, second, rest]) =>
          `${year}-${month}-${day}T${hour}:${minute}:${second}${rest}Z`,
      );
    expectSameVerdicts("time", fc.tuple(withTypos(time), time), (left, right) => {
      if (!isTime(left)) return "no";
      const order = isTime(right) ? ` ${Number(isEarlier(left, right))}` : "";
      return `ok ${msOf(left)}${order} ${new Date(Math.max(0, Math.min(msOf(left), Date.UTC(9999, 11, 31, 23, 59, 59)))).toISOString().slice(0, 19)}Z`;
    });
  });

  test("give the same meaning to topics, and write them the same way", () => {
    const word = fc.constantFrom("offer", "keys", "image", "device", "hashes", "chunk", "request", "state", "");
    const name = fc.oneof(
      digits(32),
      word,
      fc.constantFrom(
        "1",
        "0",
        "007",
        "2147483647",
        "2147483648",
        "bench-1",
        "a.b_c",
        "-a",
        "x".repeat(64),
        "x".repeat(65),
      ),
    );
    const levels = fc.oneof(
      fc.constant("offer"),
      name.map((it) => `keys/${it}`),
      fc.tuple(fc.constantFrom("image", "device"), name, word).map((it) => it.join("/")),
      fc.array(name, { maxLength: 4 }).map((it) => it.join("/")),
    );
    const root = fc.constantFrom(
      "tinybms/gateway/ota",
      "a",
      "é/ü",
      "x".repeat(45),
      "x".repeat(46),
      "$SYS",
      "a/+",
      "a\u0085",
      "",
    );
    const topic = fc
      .tuple(root, fc.constantFrom("/v1/", "/v1/", "/v1/", "/v2/", "/v1"), levels)
      .map((it) => it.join(""));
    const inputs = fc
      .tuple(root, withTypos(topic))
      .map(([it, other]): [string, string] => [it, other.startsWith(it) ? other : it + other.slice(1)]);
    expectSameVerdicts("topic", inputs, topicVerdict);
  });

  test("parse the same chunks", () => {
    const header = fc.record({
      magic: fc.constantFrom(0x4254, 0x4254, 0x4254, 0x4255),
      version: fc.constantFrom(1, 1, 1, 2),
      flags: fc.constantFrom(0, 1, 1, 2),
      index: fc.nat({ max: 0xffff_ffff }),
      excess: fc.constantFrom(0, 0, 0, 0, 1),
      reserved: fc.constantFrom(0, 0, 0, 0, 256),
    });
    const size = fc.oneof(fc.nat({ max: 40 }), fc.constantFrom(4096, 4097));
    const message = fc.tuple(header, size).map(([{ magic, version, flags, index, excess, reserved }, length]) => {
      const bytes = Buffer.alloc(20 + length, 7);
      bytes.writeUInt16LE(magic, 0);
      bytes.writeUInt8(version, 2);
      bytes.writeUInt8(flags, 3);
      bytes.writeUInt32LE(index, 12);
      bytes.writeUInt16LE(length + excess, 16);
      bytes.writeUInt16LE(reserved, 18);
      return Uint8Array.from(bytes);
    });
    const cut = fc
      .tuple(message, fc.nat({ max: 60 }))
      .map(([bytes, rest]) => bytes.subarray(0, rest < 25 ? rest : undefined));
    expectSameVerdicts("chunk", fc.tuple(fc.oneof(message, cut)), (bytes) =>
      attempt(() => {
        const { image, index, deflate, bytes: data } = parseChunk(bytes);
        return `ok ${image} ${index} ${Number(deflate)} ${toHex(data)}`;
      }),
    );
  });

  test("check the same chunks against a hash list", () => {
    const image = fc.constantFrom(1, 4095, 4096, 4097, 9000).map((size) => Buffer.alloc(size, size % 251));
    const inputs = fc
      .tuple(image, fc.nat({ max: 3 }), fc.nat({ max: 3 }), fc.boolean(), fc.constantFrom(0, 0, 1))
      .map(([bytes, at, index, isCut, excess]): [Uint8Array, number, Uint8Array, number] => {
        const parts = Array.from({ length: Math.ceil(bytes.length / 4096) }, (_, it) =>
          bytes.subarray(it * 4096, (it + 1) * 4096),
        );
        const list = Buffer.concat([
          ...parts.map((it) => hash("sha256", it, "buffer").subarray(0, 16)),
          Buffer.alloc(excess * 16),
        ]);
        const chunk = parts[at % parts.length] ?? bytes;
        return [Uint8Array.from(list), bytes.length, Uint8Array.from(isCut ? chunk.subarray(1) : chunk), index];
      });
    expectSameVerdicts("hashes", inputs, (list, size, chunk, index) => {
      if (list.length !== Math.ceil(size / 4096) * 16) return "no";
      const hashes = new HashList(list, size);
      return `ok ${hashes.count} ${Number(hashes.matches(index, chunk))}`;
    });
  });

  test("read the same records, and write them so that they read the same", () => {
    expectSameVerdicts("record", fc.tuple(recordTexts()), (text) => {
      const record = parseReceiverRecord(text);
      return record === undefined ? "no" : `ok ${buildReceiverRecord(inOrder(record))}`;
    });
  });

  test("check the same public keys", () => {
    const keys = [
      ...["prime256v1", "secp384r1", "secp256k1"].map(
        (namedCurve) => generateKeyPairSync("ec", { namedCurve }).publicKey,
      ),
      ...[1024, 2048, 3072].map((modulusLength) => generateKeyPairSync("rsa", { modulusLength }).publicKey),
      generateKeyPairSync("rsa", { modulusLength: 2048, publicExponent: 3 }).publicKey,
      generateKeyPairSync("ed25519").publicKey,
      generateKeyPairSync("x25519").publicKey,
    ].map((key) => Uint8Array.from(key.export({ type: "spki", format: "der" })));
    const damaged = fc.tuple(fc.constantFrom(...keys), fc.nat(), fc.nat({ max: 255 })).map(([key, at, byte]) => {
      const copy = Uint8Array.from(key);
      copy[at % Math.min(copy.length, 60)] = byte;
      return copy;
    });
    const cut = fc.tuple(fc.constantFrom(...keys), fc.nat()).map(([key, at]) => key.slice(0, at % (key.length + 1)));
    const inputs = fc.tuple(fc.oneof(fc.constantFrom(...keys), damaged, cut));
    expectSameVerdicts(
      "public-key",
      inputs,
      (key) => keyVerdict(key),
      (verdict) => verdict.startsWith("0"),
    );
  });
});

const TIME =
  /^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,3})?Z$/;

/** The form of the protocol's schemas. */
function isTime(text: string): boolean {
  return TIME.test(text);
}

function msOf(text: string): number {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = text.split(/\D/).map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second, Number((/\.([0-9]+)/.exec(text)?.[1] ?? "0").padEnd(3, "0")));
  return date.getTime();
}

const KINDS: readonly string[] = [
  "",
  "keys",
  "offer",
  "device-offer",
  "hashes",
  "image-chunk",
  "device-chunk",
  "request",
  "state",
];

function topicVerdict(root: string, topic: string): string {
  if (!isTopicRoot(root)) return "no";
  const parsed: ParsedTopic | undefined = parseTopic(root, topic);
  if (parsed === undefined) return `0 0 ${"0".repeat(32)}  0`;
  const { epoch, image, device } = { epoch: 0, image: "0".repeat(32), device: "", ...parsed };
  return `${KINDS.indexOf(parsed.kind)} ${epoch} ${image} ${device} 1`;
}

/** `Ed25519` keys are checked for their form only: devices do not use them. */
function keyVerdict(key: Uint8Array): string {
  const numbers = { "ecdsa-p256-sha256": 1, "rsa-pkcs1v15-sha256": 2, ed25519: 4 } as const;
  try {
    return `0 ${numbers[parsePublicKey(key).alg]}`;
  } catch (error) {
    if (!isOtaError(error)) throw error;
    if (error.message.includes("edwards25519")) return "0 4";
    return error.code === "signing/key-malformed" ? "1 0" : "2 0";
  }
}

function checked(json: string): string {
  return crc32(Buffer.from(json)).toString(16).padStart(8, "0") + json;
}

function recordTexts(): fc.Arbitrary<string> {
  const rarely = <T>(usual: fc.Arbitrary<T>, ...odd: readonly T[]) =>
    fc.oneof({ weight: 19, arbitrary: usual }, fc.constantFrom(...odd));
  const int = rarely(fc.nat({ max: 2_147_483_647 }), 0, -1, 2 ** 31);
  const codes = fc.constantFrom("offer/withdrawn", "delivery/attempts-exhausted");
  const error = fc.option(rarely(codes, "", "\0", "x".repeat(39), "x".repeat(40), "é".repeat(20)), { nil: undefined });
  const time = rarely(
    fc.constantFrom("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.123Z"),
    "yesterday",
    "2026-02-31T00:00:00Z",
    "2026-13-01T00:00:00Z",
  );
  const some = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(values, { nil: undefined });
  const record = fc.record({
    accepted: fc.tuple(int, int),
    payloadSha256: fc.oneof({ weight: 9, arbitrary: fc.constantFrom("", "0f".repeat(32)) }, fc.constant("abc")),
    floor: some(fc.record({ epoch: int, time })),
    attempt: some(
      fc.record({
        offer: rarely(digits(32), "x"),
        image: digits(64),
        attempts: int,
        probationMs: int,
        probationMaxMs: some(int),
        proven: some(fc.boolean()),
        error,
      }),
    ),
    whole: some(fc.boolean()),
    outcome: some(
      fc.record({
        offer: digits(32),
        image: digits(64),
        outcome: fc.constantFrom("confirmed", "rolled-back", "failed", "lost"),
        error,
      }),
    ),
  });
  const texts = record.map((it) => checked(JSON.stringify(it)));
  const retyped = fc
    .tuple(
      record,
      fc.constantFrom("accepted", "payloadSha256", "floor", "attempt", "outcome"),
      fc.constantFrom(null, 1, "x", [], {}, [1]),
    )
    .map(([it, name, value]) => checked(JSON.stringify({ ...it, [name]: value })));
  const damaged = withTypos(texts);
  return fc.oneof({ weight: 4, arbitrary: texts }, retyped, damaged);
}

/** Returns a record with its members in the order in which the device writes them. */
function inOrder({ accepted, payloadSha256, floor, whole, attempt, outcome }: ReceiverRecord): ReceiverRecord {
  return {
    accepted,
    payloadSha256,
    ...(floor === undefined ? {} : { floor }),
    ...(whole === undefined ? {} : { whole }),
    ...(attempt === undefined ? {} : { attempt }),
    ...(outcome === undefined ? {} : { outcome }),
  };
}

function attempt(verdict: () => string): string {
  try {
    return verdict();
  } catch (error) {
    if (isOtaError(error)) return "no";
    throw error;
  }
}
