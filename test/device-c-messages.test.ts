// The device's readers of messages in C against those in TypeScript: the same documents, the same verdicts.
import { generateKeyPairSync } from "node:crypto";
import { isOtaError, type JsonValue, parseStrictJson, toHex, utf8 } from "@tinybms/ota-core";
import { chipsOfHardware } from "@tinybms/ota-core/esp";
import { buildKeySetRecord, type Envelope, parseKeySetRecord } from "@tinybms/ota-core/signing";
import fc from "fast-check";
import { describe, test } from "vitest";
import { fromBase64, toBase64 } from "../packages/ota-core/src/bytes.ts";
import { envelopeToJson, parseEnvelope } from "../packages/ota-core/src/messages/envelope.ts";
import { parseMessage } from "../packages/ota-core/src/messages/json-message.ts";
import { keyIdOf, parseKeySet } from "../packages/ota-core/src/messages/key-set.ts";
import { parseOffer } from "../packages/ota-core/src/messages/offer.ts";
import { parseRelease } from "../packages/ota-core/src/messages/release.ts";
import { targetAdmits } from "../packages/ota-core/src/messages/target.ts";
import { clang } from "./device-c-build.ts";
import { jsonDocuments, jsonValues } from "./device-c-documents.ts";
import { expectSameVerdicts } from "./device-c-verdicts.ts";

const ALGORITHMS: readonly string[] = ["", "ecdsa-p256-sha256", "rsa-pkcs1v15-sha256", "", "ed25519"];
const HONOURED = [
  "target",
  "constraints",
  "from_images",
  "waive",
  "expires_at",
  "spread_ms",
  "probation_ms",
  "probation_max_ms",
  "restart_spread_ms",
  "install_after",
  "between",
  "identity",
];
const WAIVABLE = ["chip-id", "project-name", "constraints"] as const;

const digits = (length: number): fc.Arbitrary<string> => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
const time = fc.constantFrom("2026-01-31T12:00:00Z", "2026-12-01T23:59:59.999Z");
const text = fc.string({ unit: "binary", minLength: 1, maxLength: 50 });
const some = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(values, { nil: undefined });
const int = fc.integer({ min: 1, max: 2_147_483_647 });

const envelopes: fc.Arbitrary<Envelope> = fc.record({
  payload: fc.uint8Array({ maxLength: 200 }),
  signatures: fc.array(
    fc.record({
      keyid: digits(32),
      alg: fc.constantFrom("ecdsa-p256-sha256", "rsa-pkcs1v15-sha256", "ed25519", "x", "a-1"),
      sig: fc.uint8Array({ maxLength: 80 }),
    }),
    { maxLength: 4 },
  ),
});

const releases = fc.record({
  release: fc.constant(1),
  product: text,
  hardware: fc.oneof(
    text,
    fc.constantFrom(
      "esp32",
      "ESP32-S3",
      " esp32_c3\u00a0",
      "esp32 c6",
      "\tesp32",
      "esp\t32",
      "-\tesp32",
      "esp32s31",
      "esp8266",
    ),
  ),
  version: text,
  created_at: time,
  image: fc.record({
    sha256: digits(64),
    size: fc.integer({ min: 1, max: 134_217_728 }),
    chunk_size: fc.constant(4096),
    hash_list_sha256: digits(64),
    secure_version: fc.nat(),
    chip_id: fc.nat({ max: 65_535 }),
  }),
});

const targets: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.constant("all"),
  fc
    .array(fc.constantFrom("bench-1", "bench-2", "a.b_c"), { minLength: 1, maxLength: 4 })
    .map((devices) => ({ devices })),
  fc.record({
    rollout: fc.record({ permille: fc.nat({ max: 1000 }), salt: fc.constantFrom("00", "a1b2", "0".repeat(64)) }),
  }),
);

const offers = fc.record({
  offer: fc.constant(1),
  id: digits(32),
  topic_root: fc.oneof(fc.constant("tinybms/gateway/ota"), fc.string({ minLength: 1, maxLength: 45 })),
  epoch: int,
  sequence: int,
  issued_at: time,
  expires_at: some(time),
  release: fc.option(envelopes.map((it) => envelopeToJson(it))),
  chunk_encodings: fc.subarray(["identity", "deflate"], { minLength: 1 }),
  target: targets,
  constraints: some(
    fc.record({
      from_images: some(fc.array(fc.oneof(digits(32), fc.constant("ab".repeat(16))), { minLength: 1, maxLength: 4 })),
      min_battery_percent: some(fc.nat({ max: 100 })),
    }),
  ),
  spread_ms: some(fc.nat({ max: 3_600_000 })),
  restart_spread_ms: some(fc.nat({ max: 3_600_000 })),
  probation_ms: some(fc.integer({ min: 1000, max: 3_600_000 })),
  probation_max_ms: some(fc.integer({ min: 1000, max: 3_600_000 })),
  install_after: some(time),
  between: some(
    fc.record({
      start_minute: fc.nat({ max: 1439 }),
      minutes: fc.integer({ min: 1, max: 1440 }),
      offset_minutes: some(fc.integer({ min: -840, max: 840 })),
    }),
  ),
  waive: some(fc.subarray([...WAIVABLE])),
  critical: some(fc.array(fc.oneof(fc.constantFrom(...HONOURED), text), { maxLength: 4 })),
});

const SPKIS: readonly Uint8Array[] = [
  generateKeyPairSync("ec", { namedCurve: "prime256v1" }).publicKey,
  generateKeyPairSync("ec", { namedCurve: "prime256v1" }).publicKey,
  generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey,
  generateKeyPairSync("ed25519").publicKey,
].map((key) => Uint8Array.from(key.export({ type: "spki", format: "der" })));

const keySets = fc.subarray([...SPKIS], { minLength: 1 }).chain((spkis) => {
  const ids = spkis.map(keyIdOf);
  const role = fc
    .subarray(ids, { minLength: 1 })
    .chain((keyids) => fc.integer({ min: 1, max: keyids.length + 1 }).map((threshold) => ({ keyids, threshold })));
  return fc.record({
    keys: fc.constant(1),
    product: text,
    epoch: int,
    issued_at: time,
    revoked: fc.array(fc.oneof(digits(32), fc.constantFrom(...ids)), { maxLength: 4 }),
    roles: fc.record({ root: role, release: role, offer: role }),
    records: fc
      .tuple(...spkis.map(() => fc.constantFrom("ecdsa-p256-sha256", "rsa-pkcs1v15-sha256", "ed25519")))
      .map((algs) =>
        Object.fromEntries(spkis.map((spki, i) => [keyIdOf(spki), { alg: algs[i], spki: toBase64(spki) }])),
      ),
  });
});

describe.skipIf(clang === undefined)("readers of messages in C", () => {
  test("accept the same JSON, and read the same strings from it", () => {
    const documents = jsonDocuments(fc.oneof(jsonValues, offers, keySets));
    expectSameVerdicts("json", fc.tuple(documents, fc.constantFrom(8, 8, 3, 1)), jsonVerdict);
  });

  test("decode the same envelopes, and restore them", () => {
    const documents = jsonDocuments(envelopes.map(envelopeToJson));
    expectSameVerdicts("envelope", fc.tuple(documents), (message) =>
      attempt(() => `ok ${envelopeText(parseEnvelope(message))}`),
    );
  });

  test("read the same offers, and decide the same for a device", () => {
    const running = "ab".repeat(32);
    const inputs = fc.tuple(
      jsonDocuments(offers),
      fc.constantFrom("bench-1", "bench-22"),
      fc.constant(Buffer.from(running, "hex")),
    );
    expectSameVerdicts("offer", inputs, (payload, device, _) => attempt(() => offerText(payload, device, running)));
  });

  test("read the same releases, and allow the same chips", () => {
    const inputs = fc.tuple(jsonDocuments(releases), fc.constantFrom(0, 5, 9, 32, 77), fc.constantFrom("TinyBMS", "é"));
    expectSameVerdicts("release", inputs, (payload, chip, product) =>
      attempt(() => {
        const { image, created_at, hardware, product: found } = parseRelease(payload);
        const isAllowed = chipsOfHardware(hardware)?.some(({ id }) => id === chip) ?? true;
        const numbers = `${image.size} ${image.secure_version} ${image.chip_id}`;
        return `ok ${image.sha256} ${image.hash_list_sha256} ${numbers} ${created_at} ${Number(isAllowed)} ${Number(found === product)}`;
      }),
    );
  });

  test("read the same key sets", () => {
    expectSameVerdicts("keys", fc.tuple(jsonDocuments(keySets)), (payload) => attempt(() => keySetText(payload)));
  });

  test("restore the same key sets from NVS", () => {
    const stored = jsonDocuments(keySets).map((payload) => {
      const set = attempt(() => buildKeySetRecord(parseKeySet(payload)));
      return set === "no" ? utf8("00000000{}") : utf8(set);
    });
    const damaged = fc.tuple(stored, fc.nat(), fc.boolean()).map(([bytes, at, isDamaged]): [Uint8Array] => {
      const copy = Uint8Array.from(bytes);
      if (isDamaged) copy[at % copy.length] = 0x20;
      return [copy];
    });
    expectSameVerdicts("stored-keys", damaged, (bytes) => {
      const set = parseKeySetRecord(Buffer.from(bytes).toString());
      return set === undefined ? "no" : `ok ${set.epoch}`;
    });
  });
});

/** Parses a message as the protocol does, with another depth. Prints what the root's children are, as the C program. */
function jsonVerdict(bytes: Uint8Array, maxDepth: number): string {
  return attempt(() => {
    const validate = Object.assign((value: unknown): value is JsonValue => value !== undefined, { errors: null });
    const value = parseMessage<JsonValue>(bytes, { name: "json", sizeMax: 100_000, validate });
    if (!parseStrictJson(Buffer.from(bytes).toString(), { maxDepth }).ok) return "no";
    const children = typeof value === "object" && value !== null ? Object.keys(value).length : 0;
    return `ok ${children}`;
  });
}

function envelopeText({ payload, signatures }: Envelope): string {
  const parts = signatures.map(
    ({ keyid, alg, sig }) => ` ${keyid}:${Math.max(0, ALGORITHMS.indexOf(alg))}:${toHex(sig)}`,
  );
  return `${toHex(payload)}${parts.join("")}`;
}

function offerText(payload: Uint8Array, device: string, running: string): string {
  const offer = parseOffer(payload);
  const waived = WAIVABLE.reduce((sum, name, bit) => sum + (offer.waive?.includes(name) ? 1 << bit : 0), 0);
  const root = offer.topic_root.includes("\0") ? "" : toHex(utf8(offer.topic_root));
  const isSupported =
    (offer.critical ?? []).every((it) => HONOURED.includes(it)) && offer.chunk_encodings.includes("identity");
  const { start_minute: start, minutes, offset_minutes: offset } = offer.between ?? { start_minute: 0, minutes: 0 };
  const isTimed = offer.critical?.some((it) => (it === "between" || it === "install_after") && offer[it] !== undefined);
  const install = `${offer.restart_spread_ms ?? 0} ${offer.probation_max_ms ?? 0} ${offer.install_after ?? ""} ${start}+${minutes}@${offset ?? 0} ${Number(isTimed ?? false)}`;
  const images = offer.constraints?.from_images;
  const flags = [
    offer.release === null,
    targetAdmits(offer.target, device),
    isSupported,
    images === undefined || images.some((it) => running.startsWith(it)),
  ];
  const release = offer.release === null ? "" : ` ${offer.release.signatures.length} ${toHex(offer.release.payload)}`;
  return `ok ${offer.id} ${offer.epoch} ${offer.sequence} ${offer.issued_at} ${offer.expires_at ?? ""} ${offer.spread_ms ?? 0} ${offer.probation_ms ?? 0} ${waived} ${install} ${root} ${flags.map(Number).join(" ")}${release}`;
}

function keySetText(payload: Uint8Array): string {
  const set = parseKeySet(payload);
  const roles = (["root", "release", "offer"] as const).map((name) => {
    const { keyids, threshold } = set.roles[name];
    const keys = keyids.map((keyid) => {
      const record = set.records[keyid];
      const spki = fromBase64(record?.spki ?? "") ?? new Uint8Array();
      return `:${ALGORITHMS.indexOf(record?.alg ?? "")}:${Number(set.revoked.includes(keyid))}:${toHex(spki)}`;
    });
    return ` ${threshold}/${keyids.length}${keys.join("")}`;
  });
  return `ok ${set.epoch}${roles.join("")}`;
}

function attempt(verdict: () => string): string {
  try {
    return verdict();
  } catch (error) {
    if (isOtaError(error)) return "no";
    throw error;
  }
}
