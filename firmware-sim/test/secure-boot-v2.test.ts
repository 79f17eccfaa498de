// Secure Boot v2: which images start and which can be selected, by whose keys.

import { buildAppImage, buildSignatureBlock, OtaImageState } from "@tinybms/ota-core/esp";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { BootSlot } from "../src/boot/boot-event.ts";
import { runBootloader } from "../src/boot/bootloader.ts";
import { type SignedApps, verifySignatureSector } from "../src/boot/secure-boot-v2.ts";
import { verifyRomSignature } from "../src/boot/verify-rom-signature.ts";
import { EspErr } from "../src/esp-err/esp-err.ts";
import { esp_image_get_metadata, esp_image_verify } from "../src/esp-idf/esp-image.ts";
import { esp_ota_set_boot_partition } from "../src/esp-idf/esp-ota-boot.ts";
import { type BoardSpec, board, bootOf, entry, partition, SLOT_SIZE, start } from "./board-spec.ts";
import { keyDigestOf, makeSigningKey, type SigningKey, signImage } from "./sign-image.ts";

const { VALID } = OtaImageState;

const [rsa, ec, otherEc] = (["rsa-3072", "ecdsa-p256", "ecdsa-p256"] as const).map(makeSigningKey) as [
  SigningKey,
  SigningKey,
  SigningKey,
];
const signedBy = ({ scheme }: SigningKey): SignedApps => ({ scheme, verify: verifyRomSignature });

/** Both slots signed, ota_1 selected. */
function signedBoard(keys: Readonly<Record<0 | 1, readonly SigningKey[]>>, spec: BoardSpec = {}) {
  const sign = (image: Uint8Array, slot: BootSlot) => signImage(image, ...(keys[slot === 1 ? 1 : 0] ?? []));
  return board({ chip: "esp32s3", otadata: [undefined, entry(2, VALID)], sign, ...spec });
}

test.for([rsa, ec])("an image signed with $scheme by a key of the eFuse starts", (key) => {
  const efuse = { secureBoot: true, secureBootDigests: [keyDigestOf(key)] };
  const hardware = signedBoard({ 0: [key], 1: [key] }, { efuse });
  const outcome = runBootloader(hardware, { secureBoot: signedBy(key) });
  expect(outcome).toMatchObject({ kind: "boots", slot: 1 });
  expect(outcome.log).toContain("I secure_boot_v2: Signature verified successfully!");
});

test.for([rsa, ec])("with $scheme each part of the signature sector and of the image is covered", (key) => {
  const efuse = { secureBoot: true, secureBootDigests: [keyDigestOf(key)] };
  const imageSize = buildAppImage({ chip: "esp32s3", seed: 0x12 }).length;
  // Image data, padding behind the image, key, signature, and what the block's CRC guards.
  for (const offset of [300, imageSize + 1, 4096 + 40, 4096 + (key === rsa ? 900 : 120), 4096 + 5]) {
    const hardware = signedBoard({ 0: [key], 1: [key] }, { efuse });
    const [byte = 0] = hardware.flash.truth(0x20000 + offset, 1);
    hardware.flash.load(0x20000 + offset, Uint8Array.of(byte ^ 0x10));
    const outcome = runBootloader(hardware, { secureBoot: signedBy(key) });
    expect(outcome, `byte ${offset}`).toMatchObject({ kind: "boots", slot: 0 });
    expect(outcome.log).toContain("E boot: OTA app partition slot 1 is not bootable");
  }
});

describe("the trusted keys", () => {
  const boot = (keys: readonly SigningKey[], efuse: BoardSpec["efuse"], chip: BoardSpec["chip"] = "esp32s3") =>
    bootOf(signedBoard({ 0: [ec], 1: keys }, { ...(efuse === undefined ? {} : { efuse }), chip }), {
      secureBoot: signedBy(ec),
    });
  const digests = (...keys: readonly SigningKey[]) => ({ secureBoot: true, secureBootDigests: keys.map(keyDigestOf) });

  test("are those of the eFuse; unsigned and foreign images fall back", () => {
    expect(boot([otherEc], digests(ec))).toBe(0);
    expect(boot([], digests(ec))).toBe(0);
    expect(boot([rsa], digests(ec))).toBe(0); // another scheme
  });

  test("may be in any of three blocks, and bad blocks are skipped", () => {
    expect(boot([otherEc, ec], digests(ec))).toBe(1);
    expect(boot([rsa, otherEc, ec], digests(ec))).toBe(1);
    expect(boot([otherEc], digests(ec, otherEc))).toBe(1);
  });

  test("are limited to one on ESP32 and ESP32-C2, which compares 16 bytes", () => {
    expect(boot([otherEc, ec], digests(ec), "esp32")).toBe(0);
    expect(() => boot([ec], digests(ec, otherEc), "esp32")).toThrow(/has room for 1/);
    const half = keyDigestOf(otherEc).fill(0, 16);
    expect(boot([otherEc], { secureBoot: true, secureBootDigests: [half] }, "esp32c2")).toBe(1);
    expect(boot([otherEc], { secureBoot: true, secureBootDigests: [half] }, "esp32s3")).not.toBe(1);
  });

  test("are no longer trusted when revoked", () => {
    expect(boot([otherEc], { ...digests(ec, otherEc), revokedDigests: [1] })).toBe(0);
    expect(boot([ec], { ...digests(ec, otherEc), revokedDigests: [0, 1] })).toBe("no-bootable-app");
  });

  test("are any before the first is burned", () => {
    expect(boot([otherEc], undefined)).toBe(1);
    expect(boot([], undefined)).toBe(0);
  });
});

test("requires room for the signature sector of a signed image", () => {
  const efuse = { secureBoot: true, secureBootDigests: [keyDigestOf(ec)] };
  const images = new Map([[1, { sizeBytes: SLOT_SIZE - 0x1000 + 16 }]]);
  const hardware = board({
    chip: "esp32s3",
    otadata: [entry(1, VALID), undefined],
    images,
    efuse,
    sign: (image, slot) => (slot === 1 ? image : signImage(image, ec)),
  });
  const app = start(hardware, { secureBoot: signedBy(ec) }, { signedApps: signedBy(ec) });
  expect(esp_image_verify(app, partition(app, "ota_1"))).toBe(EspErr.ESP_ERR_IMAGE_INVALID);
  expect(esp_image_get_metadata(app, partition(app, "ota_1"))).toEqual({ err: EspErr.ESP_ERR_IMAGE_INVALID });
});

describe("an app that requires signatures", () => {
  test("trusts the keys of its own image and one block of the new one, without secure boot", () => {
    const verify = (running: readonly SigningKey[], updated: readonly SigningKey[]) => {
      const hardware = signedBoard({ 0: running, 1: updated }, { otadata: [entry(1, VALID), undefined] });
      const app = start(hardware, {}, { signedApps: signedBy(ec) });
      return esp_image_verify(app, partition(app, "ota_1"));
    };
    expect(verify([ec], [ec])).toBe(EspErr.ESP_OK);
    expect(verify([otherEc, ec], [ec])).toBe(EspErr.ESP_OK);
    expect(verify([ec], [otherEc, ec])).toBe(EspErr.ESP_ERR_IMAGE_INVALID);
    expect(verify([ec], [otherEc])).toBe(EspErr.ESP_ERR_IMAGE_INVALID);
    expect(verify([], [ec])).toBe(EspErr.ESP_FAIL); // no digests to be read
  });

  test("trusts the eFuse with secure boot, and selects only signed images", () => {
    const efuse = { secureBoot: true, secureBootDigests: [keyDigestOf(otherEc)] };
    const hardware = signedBoard({ 0: [otherEc], 1: [ec] }, { efuse, otadata: [entry(1, VALID), undefined] });
    const app = start(hardware, { secureBoot: signedBy(ec) }, { signedApps: signedBy(ec) });
    expect(esp_image_verify(app, partition(app, "ota_1"))).toBe(EspErr.ESP_ERR_IMAGE_INVALID);
    expect(esp_ota_set_boot_partition(app, partition(app, "ota_1"))).toBe(0x1503);
    expect(esp_image_get_metadata(app, partition(app, "ota_1"))).toMatchObject({ err: EspErr.ESP_OK });
  });
});

test("checks signatures with secure boot despite skipped validation, except after deep sleep", () => {
  const efuse = { secureBoot: true, secureBootDigests: [keyDigestOf(ec)] };
  const hardware = signedBoard({ 0: [ec], 1: [otherEc] }, { efuse });
  const secureBoot = signedBy(ec);
  expect(bootOf(hardware, { secureBoot, skipValidate: true })).toBe(0);
  expect(bootOf(hardware, { secureBoot, skipValidateOnPowerOn: true })).toBe(0);
  const retained = { offset: 0x20000, sizeBytes: SLOT_SIZE };
  expect(bootOf(hardware, { secureBoot, skipValidateInDeepSleep: true, resetReason: "deep-sleep", retained })).toBe(1);
});

test("logs a bad signature of a valid image and of a corrupt one differently", () => {
  const efuse = { secureBoot: true, secureBootDigests: [keyDigestOf(ec)] };
  const foreign = runBootloader(signedBoard({ 0: [ec], 1: [otherEc] }, { efuse }), { secureBoot: signedBy(ec) });
  expect(foreign.log).toContain("W esp_image: image valid, signature bad");
  // Two flips of one bit position, which the checksum before doesn't see.
  const hardware = signedBoard({ 0: [ec], 1: [ec] }, { efuse });
  const [first = 0, second = 0] = hardware.flash.truth(0x20000 + 200, 2);
  hardware.flash.load(0x20000 + 200, Uint8Array.of(first ^ 1, second ^ 1));
  expect(runBootloader(hardware, { secureBoot: signedBy(ec) }).log).toEqual(
    expect.arrayContaining([
      "E esp_image: Secure boot signature verification failed",
      "I esp_image: Calculating simple hash to check for corruption...",
      "E esp_image: Image hash failed - image is corrupt",
      "W esp_image: image corrupted on flash",
      "E boot: OTA app partition slot 1 is not bootable",
    ]),
  );
});

test("returns ESP-IDF's verdict for any bytes as a signature sector, without an exception", () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length, size: "max" });
  const block = fc.oneof(
    fc.record({ scheme: fc.constant("rsa-3072" as const), publicKey: bytes(776), signature: bytes(384) }),
    fc.record({ scheme: fc.constant("ecdsa-p256" as const), publicKey: bytes(65), signature: bytes(64) }),
  );
  fc.assert(
    fc.property(block, ({ scheme, publicKey, signature }) => {
      if (scheme === "ecdsa-p256") publicKey[0] = 2; // the curve
      const sector = new Uint8Array(4096).fill(0xff);
      sector.set(buildSignatureBlock({ scheme, imageDigest: new Uint8Array(32), publicKey, signature }));
      const policy = { scheme, verify: verifyRomSignature, trusted: "any", blocksMax: 3, digestSize: 32 } as const;
      const verdict = verifySignatureSector(sector, (visit) => visit(new Uint8Array(4096)), policy);
      expect(verdict.err).toBe(EspErr.ESP_ERR_IMAGE_INVALID);
    }),
    { numRuns: 100 },
  );
});
