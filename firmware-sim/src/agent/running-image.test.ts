import { concatBytes, sha256, toHex } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { board, SLOT_SIZE } from "../../test/board-spec.ts";
import { makeSigningKey, signImage } from "../../test/sign-image.ts";
import type { Hardware } from "../boot/boot-options.ts";
import { runBootloader } from "../boot/bootloader.ts";
import { createAppContext } from "../esp-idf/app-context.ts";
import { readRunningImage } from "./running-image.ts";

const IMAGE = buildAppImage({ version: "1.0.0", sizeBytes: 5000 });
/** What fills the image up to the signature sector. */
const PADDING = new Uint8Array(8192 - IMAGE.length).fill(0xff);

function read(hardware: Hardware): ReturnType<typeof readRunningImage> {
  const outcome = runBootloader(hardware);
  if (outcome.kind !== "boots") throw new Error("nothing boots");
  return readRunningImage(createAppContext(hardware, outcome), outcome.image);
}

/** A signature sector of Secure Boot V2 over these bytes. */
function signatureSector(signed: Uint8Array): Uint8Array {
  const sector = new Uint8Array(4096).fill(0xff);
  sector.set([0xe7, 0x02, 0, 0]); // magic, version, padding
  sector.set(sha256(signed), 4);
  return sector;
}

function boardWith(...parts: Uint8Array[]): Hardware {
  const hardware = board({ empty: [0] });
  const bytes = concatBytes(parts);
  expect(bytes.length).toBeLessThanOrEqual(SLOT_SIZE);
  hardware.flash.load(0x10000, bytes);
  return hardware;
}

test("the hash of an image ends where the image does", () => {
  const junk = new Uint8Array(100).fill(0x55);
  expect(read(boardWith(IMAGE, junk))).toEqual({
    version: "1.0.0",
    projectName: "app",
    builtAt: "2025-12-31T22:00:00Z", // noon of New Year's Day, where that comes first
    slot: "ota_0",
    sha256: toHex(sha256(IMAGE)),
  });
});

test("the hash of a signed image takes in its signature sector", () => {
  const signed = concatBytes([IMAGE, PADDING]);
  const sector = signatureSector(signed);
  expect(read(boardWith(signed, sector)).sha256).toBe(toHex(sha256(concatBytes([signed, sector]))));
});

test("the hash of an image signed with ECDSA takes in its signature sector", () => {
  const signed = signImage(IMAGE, makeSigningKey("ecdsa-p256"));
  expect(read(boardWith(signed)).sha256).toBe(toHex(sha256(signed)));
});

test("a signature sector that a larger image left behind does not count", () => {
  const sector = signatureSector(Uint8Array.of(1, 2, 3));
  expect(read(boardWith(IMAGE, PADDING, sector)).sha256).toBe(toHex(sha256(IMAGE)));
});
