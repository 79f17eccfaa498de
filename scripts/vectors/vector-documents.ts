/** Key sets, envelopes and offers of the vectors. Signatures are only in the right form: vectors tell whether they are valid. */

import { buildOffer, imageIdOf, type OfferDocument, sha256, toHex } from "@tinybms/ota-core";
import {
  buildEnvelope,
  buildKeySet,
  buildRelease,
  type KeySet,
  parseEnvelope,
  parsePublicKey,
  type Release,
} from "@tinybms/ota-core/signing";
import type { VectorObject } from "../../firmware-sim/src/conformance/vector.ts";
import { PRODUCT, TOPIC_ROOT, type VectorScript } from "./vector-script.ts";

/** Public keys, as base64 of DER SubjectPublicKeyInfo. */
export const SPKI = {
  root: "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEVBA4qyqA9qr91zUzlRWGnWcTaOkLIDzNjWj9x8Ll1npFJADvHmvawDuPt0a1eyfdb9OBuThpvI4JBBRNlsLjSw==",
  release:
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEwOy13oOH5CIUR4e4qpBT1++4Se1fMM3LqClyDgvbPM/YaUpZdE7gX9Tf+jdwwGPhdF2Uj5icWRFf63ZXS0Y8FQ==",
  offer:
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAETPO1UEfExLF25xlvaBgBjxj1iYxNQom/ej6g7tJtZNkrAY3G/B195/bikhdF+ehT+y+55uXOdJKm22S4wUXJLw==",
  second:
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAESCHFM7mGH8C60FUhcS/3ZbLrQ4wFDrxbCFbrl1zhyCGICJYyBo8Dokj80AmdfGG7vuRsgVhrkqZBtClDHNd6Iw==",
  other:
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEWsMYCELvaBouUYXtYfxXs4aH+Cg4Q3W0aTZoMSTMugkmrBzIY1wCiXHq5mZYXeyUarAfZDijRj/dcYqM4otcZQ==",
  rsa: "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAzePOiLT3qxWG0ejtHctKqy5ryw1UeXkuc8xhfiDc3LArpYTnWwRZVeX//FP7Mh/1N2xMDN6a62jA+ZYE/9SHlDiosPuM6HXV11HkvJ3rVMTxA/9zieWfDF+QtFsEFrTBPA46N4VEP3yu2wvgYkPcG+IwEGm2ewriFmQvptIL+4Fk3eWzhXzFJDNBWsgtDpvcdOzrd+tsL1ZMK05UcuYl7bSJX1uJhlBgp/eh72ETIPZtZfj+wqxUSjDHd3rcdhSpkVPRbdqAbywaimf27fWBGq5HGo8oKW+xaq7T8AGwLRiBBNmKcBstyRjnVlrck2yS1vwPEdbEK56h2MF7kmimRQIDAQAB",
  ed25519: "MCowBQYDK2VwAyEAPDaLv4rFNp1kfDbiSa9pKNdhoHXv48KX4zZ8jCAvEyQ=",
} as const;

/** Name of a key of the vectors. */
export type KeyName = keyof typeof SPKI;

const bytesOf = (base64: string): Uint8Array => Uint8Array.from(Buffer.from(base64, "base64"));

/** Returns a key of the vectors. */
export const keyOf = (name: KeyName): ReturnType<typeof parsePublicKey> => parsePublicKey(bytesOf(SPKI[name]));

/** What differs from the usual key set: one key a role, epoch 1. */
export interface KeySetChanges {
  readonly epoch?: number;
  readonly product?: string;
  readonly root?: readonly KeyName[];
  readonly release?: readonly KeyName[];
  readonly offer?: readonly KeyName[];
  readonly thresholds?: { readonly root?: number; readonly release?: number; readonly offer?: number };
  readonly revoked?: readonly KeyName[];
}

/** Returns a key set. */
export function keySetOf(changes: KeySetChanges = {}): KeySet {
  const { root = ["root"], release = ["release"], offer = ["offer"], thresholds = {}, revoked = [] } = changes;
  const role = (names: readonly KeyName[], threshold = 1): KeySet["roles"]["root"] => ({
    keyids: names.map((name) => keyOf(name).keyid),
    threshold,
  });
  const all = [...new Set([...root, ...release, ...offer])];
  return {
    keys: 1,
    product: changes.product ?? PRODUCT,
    epoch: changes.epoch ?? 1,
    issued_at: "2026-01-01T00:00:00Z",
    revoked: revoked.map((name) => keyOf(name).keyid),
    roles: {
      root: role(root, thresholds.root),
      release: role(release, thresholds.release),
      offer: role(offer, thresholds.offer),
    },
    records: Object.fromEntries(all.map((name) => [keyOf(name).keyid, { alg: keyOf(name).alg, spki: SPKI[name] }])),
  };
}

/** Returns a key set as vectors hold it. */
export function keySetObject(changes: KeySetChanges = {}): VectorObject {
  return JSON.parse(JSON.stringify(keySetOf(changes)));
}

type Signatures = NonNullable<Parameters<typeof buildEnvelope>[1]>;

/** Signatures of the right form, which differ from key to key. */
function signaturesOf(names: readonly KeyName[]): Signatures {
  return names.map((name, index) => {
    const { keyid, alg } = keyOf(name);
    const short = Uint8Array.of(0x30, 6, 2, 1, 1 + index, 2, 1, 1 + Object.keys(SPKI).indexOf(name));
    const sig = alg === "ecdsa-p256-sha256" ? short : new Uint8Array(alg === "ed25519" ? 64 : 256).fill(1);
    return { keyid, alg, sig };
  });
}

/** Returns an envelope of any bytes. */
export function sealed(payload: Uint8Array, signers: readonly KeyName[]): Uint8Array {
  return buildEnvelope(payload, signaturesOf(signers));
}

/** Returns a key set message. */
export function keySetMessage(document: KeySet, signers: readonly KeyName[]): Uint8Array {
  return sealed(buildKeySet(document), signers);
}

/** Returns the id of a key: the first 16 bytes of the SHA-256 of its SPKI. */
export function keyIdOfSpki(spki: Uint8Array): string {
  return toHex(sha256(spki).subarray(0, 16));
}

/** Returns the release of a vector's image. */
export function releaseOf(
  script: VectorScript,
  changes: Partial<Release> = {},
  image: Partial<Release["image"]> = {},
): Release {
  return {
    release: 1,
    product: PRODUCT,
    hardware: "esp32",
    version: "1.1.0",
    created_at: "2026-01-01T00:00:00Z",
    image: {
      sha256: script.imageSha256,
      size: script.image.length,
      chunk_size: 4096,
      hash_list_sha256: toHex(sha256(script.hashList)),
      secure_version: 0,
      chip_id: 0,
      ...image,
    },
    ...changes,
  };
}

/** What differs from the usual offer. */
export interface OfferChanges extends Partial<Omit<OfferDocument, "release">> {
  readonly release?: Release | null;
  readonly signers?: readonly KeyName[];
  readonly releaseSigners?: readonly KeyName[];
}

/** Returns an offer message for the vector's image; unsigned unless it names signers. */
export function offerMessage(script: VectorScript, changes: OfferChanges = {}): Uint8Array {
  const { release = releaseOf(script), signers = [], releaseSigners = [], ...members } = changes;
  const sealed = release === null ? null : buildEnvelope(buildRelease(release), signaturesOf(releaseSigners));
  const document = {
    ...{ offer: 1, id: "00112233445566778899aabbccddeeff", topic_root: TOPIC_ROOT, epoch: 1, sequence: 1 },
    ...{ issued_at: "2026-01-01T00:00:00Z", chunk_encodings: ["identity"], target: "all", spread_ms: 0 },
    ...members,
    release: sealed === null ? null : parseEnvelope(sealed),
  } as OfferDocument;
  return buildEnvelope(buildOffer(document), signaturesOf(signers));
}

/** Name in topics of an image that nobody has. */
export const OTHER_IMAGE = imageIdOf(toHex(sha256(Uint8Array.of(1))));
