import { utf8 } from "@tinybms/ota-core";
import { parseEnvelope } from "@tinybms/ota-core/signing";
import { createBenchKey } from "../../ota-core/test/bench-keys.ts";
import { offerOf, releaseOf } from "../../ota-core/test/bench-offer.ts";
import {
  keySetOf,
  NEW_OPERATOR,
  NEW_RELEASER,
  OPERATOR,
  RELEASER,
  ROOT,
  STRANGER,
  signedOffer,
  travelling,
} from "../../ota-core/test/bench-trust.ts";
import { IMAGES, RUNNING } from "./differential-world.ts";

const [FIRST, SECOND] = IMAGES.map((image) => releaseOf(image));
const NEXT_ROOT = createBenchKey();
const RSA_OPERATOR = createBenchKey("rsa");

const NEW_SIGNERS = { offer: [NEW_OPERATOR], release: [NEW_RELEASER] };

/** Signed offers: authentic ones, and each kind that a device refuses. */
export const OFFERS: readonly Uint8Array[] = [
  signedOffer(FIRST!),
  signedOffer(FIRST!, { sequence: 1, issued_at: "2026-03-01T00:00:00Z" }),
  signedOffer(SECOND!, { sequence: 2, spread_ms: 5000, probation_ms: 30_000 }),
  signedOffer(FIRST!, { sequence: 3, waive: ["project-name"], issued_at: "2026-03-01T00:00:00.500Z" }),
  signedOffer(null, { sequence: 4 }),
  signedOffer(SECOND!, { sequence: 5 }),
  signedOffer(releaseOf(RUNNING), { sequence: 6 }),
  signedOffer(FIRST!, { sequence: 7, expires_at: "2026-01-15T00:00:00Z" }),
  signedOffer(FIRST!, { sequence: 8, critical: ["target", "delta"] }),
  signedOffer(FIRST!, { sequence: 9, chunk_encodings: ["deflate"] }),
  signedOffer({ ...FIRST!, product: "Other" }, { sequence: 10 }),
  signedOffer({ ...FIRST!, hardware: "esp32s3" }, { sequence: 11 }),
  signedOffer({ ...FIRST!, image: { ...FIRST!.image, chip_id: 9 } }, { sequence: 12 }),
  signedOffer({ ...FIRST!, image: { ...FIRST!.image, size: 9_000_000 } }, { sequence: 13 }),
  signedOffer({ ...FIRST!, image: { ...FIRST!.image, hash_list_sha256: "ab".repeat(32) } }, { sequence: 14 }),
  signedOffer(FIRST!, { sequence: 15, constraints: { from_images: ["ab".repeat(16)] } }),
  signedOffer(FIRST!, { sequence: 16, target: { devices: ["bench-2"] } }),
  signedOffer(FIRST!, { sequence: 17, target: { rollout: { permille: 500, salt: "abcd" } } }),
  signedOffer(FIRST!, { sequence: 18, topic_root: "other/ota" }),
  signedOffer(SECOND!, { sequence: 19 }, { offer: [STRANGER] }),
  signedOffer(SECOND!, { sequence: 19 }, { offer: [] }),
  signedOffer(SECOND!, { sequence: 19 }, { release: [OPERATOR] }),
  signedOffer(SECOND!, { sequence: 20 }, { offer: [STRANGER, RELEASER, OPERATOR], release: [STRANGER, RELEASER] }),
  misnamed(signedOffer(SECOND!, { sequence: 21 }), RELEASER.keyid),
  misnamed(signedOffer(SECOND!, { sequence: 21 }), STRANGER.keyid),
  signedOffer(FIRST!, { epoch: 2, sequence: 1 }, NEW_SIGNERS),
  signedOffer(SECOND!, { epoch: 2, sequence: 2 }, NEW_SIGNERS),
  signedOffer(SECOND!, { epoch: 2, sequence: 3 }),
  signedOffer(FIRST!, { epoch: 3, sequence: 1 }, { offer: [RSA_OPERATOR], release: [NEW_RELEASER] }),
  signedOffer(FIRST!, { epoch: 4, sequence: 1 }),
  offerOf(FIRST!, { sequence: 22 }),
  offerOf(null, { sequence: 23 }),
  utf8("{}"),
  utf8('{"payload":"e30=","signatures":[]}'),
  new Uint8Array(0),
  new Uint8Array(5000).fill(0x20),
  signedOffer(FIRST!, { sequence: 24, restart_spread_ms: 20_000, probation_ms: 30_000, probation_max_ms: 90_000 }),
  signedOffer(SECOND!, { sequence: 25, install_after: "2026-01-10T00:00:30Z" }),
  signedOffer(SECOND!, {
    sequence: 26,
    between: { start_minute: 1439, minutes: 2 },
    critical: ["between"],
    restart_spread_ms: 200_000,
  }),
  signedOffer(FIRST!, {
    sequence: 27,
    install_after: "2026-01-10T01:00:00.999Z",
    between: { start_minute: 0, minutes: 30, offset_minutes: -60 },
    critical: ["install_after"],
  }),
];

/** Positions in {@link OFFERS} of those that make a device wait before it restarts. */
export const HELD_OFFERS: readonly number[] = [-4, -3, -2, -1].map((position) => OFFERS.length + position);

const SECOND_SET = { release: [[NEW_RELEASER], 1], offer: [[NEW_OPERATOR], 1] } as const;

/** Signed key sets: steps, and what is not one. */
export const KEY_SETS: readonly Uint8Array[] = [
  keySetOf(2, SECOND_SET),
  keySetOf(2, { ...SECOND_SET, issuedAt: "2026-05-01T00:00:00Z" }),
  keySetOf(2, { ...SECOND_SET, root: [[NEXT_ROOT], 1], signers: [ROOT] }),
  keySetOf(2, { ...SECOND_SET, signers: [STRANGER] }),
  keySetOf(2, { ...SECOND_SET, product: "Other" }),
  keySetOf(2, { offer: [[createBenchKey("ed25519")], 1] }),
  keySetOf(3, { release: [[NEW_RELEASER], 1], offer: [[RSA_OPERATOR, createBenchKey("ed25519")], 1] }),
  keySetOf(3, { root: [[NEXT_ROOT], 1], signers: [ROOT, NEXT_ROOT], revoked: [OPERATOR] }),
  keySetOf(1),
  OFFERS[0]!,
  utf8("{}"),
  new Uint8Array(0),
];

/** The same envelope, its signatures under another key's id. */
function misnamed(message: Uint8Array, keyid: string): Uint8Array {
  const { payload, signatures } = parseEnvelope(message);
  return travelling({ payload, signatures: signatures.map((signature) => ({ ...signature, keyid })) });
}
