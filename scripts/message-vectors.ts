/**
 * Writes `vectors/messages.json`, the test vectors of the protocol, and the examples in `docs/protocol.md`.
 *
 *     node --conditions=@tinybms/source scripts/message-vectors.ts
 *
 * Keys and signatures that fit are kept: ECDSA gives another signature each time.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { buildChunk, buildHashList, buildOffer, CHUNK_SIZE, imageIdOf, sha256, toHex } from "@tinybms/ota-core";
import { buildEnvelope, buildKeySet, buildRelease, type Envelope, parseEnvelope } from "@tinybms/ota-core/signing";
import { targetAdmits } from "../packages/ota-core/src/messages/target.ts";
import { type VectorKey, VectorSigner, vectorKey } from "./vector-signer.ts";

const ROOT = resolve(import.meta.dirname, "..");
const FILE = resolve(ROOT, "vectors/messages.json");
const PAGE = resolve(ROOT, "docs/protocol.md");

const DEVICE = {
  device: "bench-1",
  topic_root: "tinybms/gateway/ota",
  product: "TinyBMS Web Gateway",
  chip_id: 0,
  secure_version: 0,
  slot_size: 1_048_576,
  running_sha256: "11".repeat(32),
  built_at: "2025-12-31T10:00:00Z",
};

/** The vectors, as the file has them. Members are described in docs/protocol.md. */
export interface ProtocolVectors {
  readonly device: typeof DEVICE;
  readonly keys: Readonly<Record<string, { readonly pkcs8: string; readonly spki: string; readonly keyid: string }>>;
  readonly image: Readonly<Record<string, string | number>>;
  readonly chunks: readonly string[];
  readonly envelopes: Readonly<Record<string, { readonly message: string; readonly payload: unknown }>>;
  readonly request: unknown;
  readonly state: unknown;
  readonly rollouts: readonly { permille: number; salt: string; device: string; admitted: boolean }[];
  readonly floors: readonly Record<string, string | null>[];
  readonly refused: readonly RefusedVector[];
}

/** An envelope that a device refuses. */
export interface RefusedVector {
  readonly name: string;
  /** Accepted before, by its name in `envelopes`. */
  readonly after: string | null;
  readonly message: string;
  /** `null`: dropped, neither counted nor answered. */
  readonly code: string | null;
}

type OfferParts = Parameters<typeof buildOffer>[0];
type ReleaseParts = Parameters<typeof buildRelease>[0];

const IMAGE = Uint8Array.from({ length: 9_000 }, (_, index) => (index * 31 + (index >> 8)) & 0xff);
const HASHES = buildHashList(IMAGE);
const HASH = toHex(sha256(IMAGE));

const RELEASE: ReleaseParts = {
  release: 1,
  product: DEVICE.product,
  hardware: "esp32",
  version: "1.2.3",
  created_at: "2026-01-31T12:00:00Z",
  image: {
    sha256: HASH,
    size: IMAGE.length,
    chunk_size: CHUNK_SIZE,
    hash_list_sha256: toHex(sha256(HASHES)),
    secure_version: 0,
    chip_id: 0,
  },
};

const OFFER: Omit<OfferParts, "release"> = {
  offer: 1,
  id: "00112233445566778899aabbccddeeff",
  topic_root: DEVICE.topic_root,
  epoch: 1,
  sequence: 42,
  issued_at: "2026-01-31T13:00:00Z",
  chunk_encodings: ["identity"],
  target: "all",
  spread_ms: 2_000,
};

/** Seals documents of the vectors, with changes. */
class VectorMaker {
  readonly #signer: VectorSigner;

  constructor(signer: VectorSigner) {
    this.#signer = signer;
  }

  release(change: Partial<ReleaseParts>, by: readonly string[] = ["all"]): Envelope {
    return this.#signer.seal("release", buildRelease({ ...RELEASE, ...change }), by);
  }

  /** An offer as it is published. */
  offer(change: Partial<OfferParts>, by: readonly string[] = ["all"]): string {
    const offer = { ...OFFER, release: this.release({}), ...change };
    return textOf(this.#signer.seal("offer", buildOffer(offer), by));
  }

  keySet(keys: Readonly<Record<string, VectorKey>>): string {
    return textOf(this.#signer.seal("keys", buildKeySet(keySetOf(keys)), ["all"]));
  }
}

/** Makes the vectors, with the keys and signatures of earlier ones. */
export function protocolVectors(before: ProtocolVectors | undefined): ProtocolVectors {
  const names = ["all", "build", "revoked", "unknown"];
  const keys = Object.fromEntries(names.map((name) => [name, vectorKey(before?.keys[name]?.pkcs8)]));
  const entries = before === undefined ? [] : [...Object.values(before.envelopes), ...before.refused];
  const earlier = entries.map(({ message }) => message);
  const make = new VectorMaker(new VectorSigner(keys, earlier));
  return {
    device: DEVICE,
    keys: Object.fromEntries(
      Object.entries(keys).map(([name, { pkcs8, spki, keyid }]) => [name, { pkcs8, spki: base64(spki), keyid }]),
    ),
    image: {
      size: IMAGE.length,
      bytes: "byte i is (31 * i + floor(i / 256)) mod 256",
      sha256: HASH,
      id: imageIdOf(HASH),
      hash_list: toHex(HASHES),
      hash_list_sha256: RELEASE.image.hash_list_sha256,
    },
    chunks: [0, 1, 2].map((index) => {
      const bytes = IMAGE.subarray(index * CHUNK_SIZE, (index + 1) * CHUNK_SIZE);
      return toHex(buildChunk({ image: imageIdOf(HASH), index, bytes }));
    }),
    envelopes: {
      "key-set": entryOf(make.keySet(keys)),
      release: entryOf(textOf(make.release({}))),
      offer: entryOf(make.offer({})),
      withdrawal: entryOf(make.offer({ id: "ff".repeat(16), sequence: 43, release: null })),
    },
    request: REQUEST,
    state: STATE,
    rollouts: rolloutVectors(),
    floors: FLOORS,
    refused: refusedVectors(make).map(([name, message, code, after = null]) => ({ name, after, message, code })),
  };
}

type RefusedRow = readonly [name: string, message: string, code: string | null, after?: string];

function refusedVectors(make: VectorMaker): readonly RefusedRow[] {
  const later = { sequence: 43 };
  const released = (change: Partial<ReleaseParts>): string => make.offer({ ...later, release: make.release(change) });
  const accepted = make.offer({});
  const otherChip = { ...RELEASE.image, chip_id: 9 };
  const large = { ...RELEASE.image, size: DEVICE.slot_size + 1 };
  return [
    ["an offer that nobody signed", make.offer(later, []), "signing/unsigned"],
    ["an offer of an unknown key", make.offer(later, ["unknown"]), "signing/unknown-key"],
    ["an offer of a key with another role", make.offer(later, ["build"]), "signing/wrong-role"],
    ["an offer of a revoked key", make.offer(later, ["revoked"]), "signing/revoked-key"],
    ["an offer whose payload was changed", forged(accepted), "signing/bad-signature"],
    ["a release that nobody signed", make.offer({ release: make.release({}, []) }), "signing/unsigned"],
    ["a member that devices don't know", make.offer({ ...later, critical: ["delta"] }), "offer/unsupported"],
    ["encodings that devices don't know", make.offer({ ...later, chunk_encodings: ["zstd"] }), "offer/unsupported"],
    ["an expired offer", make.offer({ ...later, expires_at: "2025-12-31T09:59:59Z" }), "offer/expired"],
    ["another product", released({ product: "Toaster" }), "offer/wrong-product"],
    ["another chip", released({ image: otherChip }), "offer/wrong-chip"],
    ["an image larger than the slot", released({ image: large }), "offer/too-large"],
    ["a lower sequence", make.offer({ sequence: 41 }), "offer/stale", "offer"],
    ["the same number for another offer", make.offer({ spread_ms: 0 }), "offer/sequence-conflict", "offer"],
    ["an offer of a later epoch", make.offer({ epoch: 2 }), "offer/wrong-epoch"],
    ["an offer for another device", make.offer({ ...later, target: { devices: ["bench-2"] } }), null],
    ["an offer below another topic", make.offer({ ...later, topic_root: "tinybms/other/ota" }), null],
    ["a member twice", accepted.replace('{"payload"', '{"payload":"","payload"'), null],
    ["a backslash in a name", accepted.replace("{", String.raw`{"\u0078":1,`), null],
    ["4097 bytes", `${accepted}${" ".repeat(4_097 - accepted.length)}`, null],
  ];
}

function rolloutVectors(): ProtocolVectors["rollouts"] {
  const rollouts = [
    { permille: 50, salt: "ab" },
    { permille: 500, salt: "ab" },
    { permille: 500, salt: "00ff" },
  ];
  return ["bench-1", "bench-2", "bench-3", "gateway-0001"].flatMap((device) =>
    rollouts.map((rollout) => ({ ...rollout, device, admitted: targetAdmits({ rollout }, device) })),
  );
}

const REQUEST = {
  protocol: 1,
  image: imageIdOf(HASH),
  missing: [
    [0, 1],
    [2, 1],
  ],
  missing_count: 2,
  window: 16,
  unicast: false,
};

const STATE = {
  protocol: 1,
  device: DEVICE.device,
  state: "downloading",
  offer: OFFER.id,
  image: imageIdOf(HASH),
  version: "1.2.2",
  slot: "ota_0",
  running_sha256: DEVICE.running_sha256,
  received: 1,
  total: 3,
  accepted: [1, 42],
  key_set: 1,
  rollback: true,
  clock: false,
  online: true,
  boot_count: 7,
  stats: { chunks_received: 1, chunks_useful: 1, requests: 1 },
};

/** Times of a device, and the one by which it judges `expires_at`. */
const FLOORS = [
  { built_at: "Jan  1 2026 00:00:00", key_set: null, offer: null, clock: null, time: "2025-12-31T10:00:00Z" },
  { built_at: null, key_set: null, offer: null, clock: null, time: null },
  {
    ...{ built_at: "Jan  1 2026 00:00:00", key_set: "2026-01-31T12:00:00Z", offer: null, clock: null },
    time: "2026-01-31T12:00:00Z",
  },
  {
    ...{ built_at: "Jan  1 2026 00:00:00", key_set: "2026-01-31T12:00:00Z", offer: "2026-02-28T23:59:59.999Z" },
    ...{ clock: null, time: "2026-02-28T23:59:59.999Z" },
  },
  {
    ...{ built_at: "Jan  1 2026 00:00:00", key_set: "2026-01-31T12:00:00Z", offer: null },
    ...{ clock: "2026-03-01T00:00:00Z", time: "2026-03-01T00:00:00Z" },
  },
  {
    ...{ built_at: "Jan  1 2026 00:00:00", key_set: "2026-01-31T12:00:00Z", offer: null },
    ...{ clock: "1970-01-01T00:00:07Z", time: "2026-01-31T12:00:00Z" },
  },
] as const;

function keySetOf({ all, build, revoked }: Readonly<Record<string, VectorKey>>): Parameters<typeof buildKeySet>[0] {
  if (all === undefined || build === undefined || revoked === undefined) throw new Error("a key is missing");
  const record = ({ alg, spki }: VectorKey) => ({ alg, spki: base64(spki) });
  return {
    ...{ keys: 1, product: DEVICE.product, epoch: 1, issued_at: "2025-06-30T12:00:00Z", revoked: [revoked.keyid] },
    roles: {
      root: { keyids: [all.keyid], threshold: 1 },
      release: { keyids: [all.keyid, build.keyid], threshold: 1 },
      offer: { keyids: [all.keyid], threshold: 1 },
    },
    records: { [all.keyid]: record(all), [build.keyid]: record(build) },
  };
}

/** The envelope with one more in the offer's sequence, and the signature of the offer before. */
function forged(message: string): string {
  const { payload, signatures } = parseEnvelope(Buffer.from(message));
  const text = Buffer.from(payload).toString().replace('"sequence":42', '"sequence":44');
  return textOf({ payload: Buffer.from(text), signatures });
}

function textOf({ payload, signatures }: Envelope): string {
  return Buffer.from(buildEnvelope(payload, signatures)).toString();
}

function entryOf(message: string): { message: string; payload: unknown } {
  const payload: unknown = JSON.parse(Buffer.from(parseEnvelope(Buffer.from(message)).payload).toString());
  return { message, payload };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

/** Puts the examples into the page, behind their markers. */
export function pageWithExamples(page: string, { envelopes, request, state }: ProtocolVectors): string {
  const payloads = Object.entries(envelopes).map(([name, { payload }]) => [name, payload] as const);
  const examples = new Map<string, unknown>([...payloads, ["request", request], ["state", state]]);
  return page.replaceAll(/(<!-- example: ([a-z-]+) -->\n```json\n).*?(\n```)/gs, (_, start, name, end) => {
    return `${start}${linesOf(examples.get(name))}${end}`;
  });
}

/** Cuts long base64, which the vectors have in full. */
function shortened(_: string, value: unknown): unknown {
  return typeof value === "string" && value.length > 120 ? `${value.slice(0, 100)}…` : value;
}

/** JSON with two spaces, and short arrays and objects on one line. */
function linesOf(value: unknown): string {
  const text = JSON.stringify(value, shortened, 2);
  return text.replaceAll(/([[{])\s+([^[\]{}]{1,60}?)\s+([\]}])/g, (_, open, inner) => {
    const line = inner.replaceAll(/\s*\n\s*/g, " ");
    return open === "[" ? `[${line}]` : `{ ${line} }`;
  });
}

if (process.argv[1] === import.meta.filename) {
  const before = existsSync(FILE) ? (JSON.parse(readFileSync(FILE, "utf8")) as ProtocolVectors) : undefined;
  const vectors = protocolVectors(before);
  mkdirSync(dirname(FILE), { recursive: true });
  writeFileSync(FILE, `${JSON.stringify(vectors, null, 2)}\n`);
  writeFileSync(PAGE, pageWithExamples(readFileSync(PAGE, "utf8"), vectors));
}
