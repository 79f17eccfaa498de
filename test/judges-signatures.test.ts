// espsecure signs and verifies for Secure Boot v2: what it signs the simulated bootloader must accept, what we sign it
// must accept, and what is tampered with both must refuse.
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toHex } from "@tinybms/ota-core";
import {
  buildAppImage,
  buildSignatureBlock,
  parseSignatureBlock,
  SIGNATURE_BLOCK_SIZE,
  SIGNATURE_SECTOR_SIZE,
  type SignatureScheme,
  signatureOffset,
} from "@tinybms/ota-core/esp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { verifySignatureSector } from "../firmware-sim/src/boot/secure-boot-v2.ts";
import { verifyRomSignature } from "../firmware-sim/src/boot/verify-rom-signature.ts";
import { keyDigestOf, type SigningKey, signImage } from "../firmware-sim/test/sign-image.ts";
import { hasNoJudges, type Job, JUDGES, judge, type ToolVerdict } from "./judges-python.ts";

const SCHEMES = ["rsa-3072", "ecdsa-p256"] as const;
const IMAGE = buildAppImage({ version: "1.2.3", sizeBytes: 20_000, seed: 5 });

interface KeyFile extends SigningKey {
  readonly pem: string;
}

let folder: string;
const keys: Record<string, KeyFile> = {};
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tinybms-judges-sign-"));
  for (const name of ["rsa-3072", "ecdsa-p256", "other"]) {
    const scheme = name === "rsa-3072" ? name : "ecdsa-p256";
    const { privateKey } =
      scheme === "rsa-3072"
        ? generateKeyPairSync("rsa", { modulusLength: 3072 })
        : generateKeyPairSync("ec", { namedCurve: "P-256" });
    const pem = join(folder, `${name}.pem`);
    await writeFile(pem, privateKey.export({ type: "pkcs8", format: "pem" }));
    keys[name] = { scheme, privateKey, pem };
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

const read = async (name: string) => Uint8Array.from(await readFile(join(folder, name)));
const secure = (...args: readonly string[]): Job => ({ tool: "espsecure", args });

/** Whether our bootloader and app accept an image with this signature sector behind it. */
function isAccepted(signed: Uint8Array, scheme: SignatureScheme, trusted: readonly Uint8Array[] | "any"): boolean {
  const end = signed.length - SIGNATURE_SECTOR_SIZE;
  const policy = { scheme, verify: verifyRomSignature, trusted, blocksMax: 3, digestSize: 32 };
  return verifySignatureSector(signed.subarray(end), (visit) => visit(signed.subarray(0, end)), policy).err === 0;
}

test.skipIf(hasNoJudges)(`what espsecure signs we accept, and read and write block for block${JUDGES}`, async () => {
  const app = await file("app.bin", IMAGE);
  const verdicts = await judge([
    ...SCHEMES.flatMap((scheme) => [
      secure("sign-data", "-v", "2", "-k", keys[scheme]!.pem, "-o", join(folder, `${scheme}.signed`), app),
      secure("digest-sbv2-public-key", "-k", keys[scheme]!.pem, "-o", join(folder, `${scheme}.digest`)),
    ]),
    // A second key's block behind the first.
    secure("sign-data", "-v", "2", "-k", keys["ecdsa-p256"]!.pem, "-o", join(folder, "two.signed"), app),
    secure("sign-data", "-v", "2", "-k", keys.other!.pem, "-a", join(folder, "two.signed")),
    secure("generate-signing-key", "-v", "2", "-s", "ecdsa384", join(folder, "p384.pem")),
    secure("sign-data", "-v", "2", "-k", join(folder, "p384.pem"), "-o", join(folder, "ecdsa-p384.signed"), app),
  ]);
  for (const { ok, output } of verdicts) expect(ok, output).toBe(true);

  for (const scheme of SCHEMES) {
    const signed = await read(`${scheme}.signed`);
    expect(signed.length).toBe(signatureOffset(IMAGE.length) + SIGNATURE_SECTOR_SIZE);
    const digest = await read(`${scheme}.digest`);
    expect(toHex(keyDigestOf(keys[scheme]!))).toBe(toHex(digest));
    expect(isAccepted(signed, scheme, [digest])).toBe(true);
    expect(isAccepted(signed, scheme, [keyDigestOf(keys.other!)])).toBe(false);
  }
  const two = await read("two.signed");
  for (const key of [keys["ecdsa-p256"]!, keys.other!]) {
    expect(isAccepted(two, "ecdsa-p256", [keyDigestOf(key)])).toBe(true);
  }
  for (const scheme of [...SCHEMES, "ecdsa-p384"] as const) {
    const signed = await read(`${scheme}.signed`);
    const bytes = signed.subarray(signed.length - SIGNATURE_SECTOR_SIZE).subarray(0, SIGNATURE_BLOCK_SIZE);
    const block = parseSignatureBlock(bytes);
    expect(block).toMatchObject({ scheme, crcMatches: true });
    expect(toHex(buildSignatureBlock(block))).toBe(toHex(bytes));
  }
});

/** Where one bit is turned in what scheme signed, from the sector on, and whether the block's CRC is put right then. */
const TAMPERED = [
  { name: "the image", at: 400 - signatureOffset(IMAGE.length) },
  { name: "the padding", at: IMAGE.length + 20 - signatureOffset(IMAGE.length) },
  { name: "the stated digest", at: 10 },
  { name: "the CRC", at: 1196 },
  { name: "the key", at: 60, mendsCrc: true },
  { name: "the signature", at: { "rsa-3072": 900, "ecdsa-p256": 110 }, mendsCrc: true },
] as const;

function tamper(signed: Uint8Array, offset: number, mendsCrc: boolean): Uint8Array {
  const bytes = signed.slice();
  bytes[offset] = (bytes[offset] ?? 0) ^ 0x04;
  if (!mendsCrc) return bytes;
  const sector = bytes.length - SIGNATURE_SECTOR_SIZE;
  bytes.set(buildSignatureBlock(parseSignatureBlock(bytes.subarray(sector))), sector);
  return bytes;
}

test.skipIf(hasNoJudges)(`what we sign espsecure accepts; what is tampered with neither does${JUDGES}`, async () => {
  const cases = SCHEMES.flatMap((scheme) => {
    const key = keys[scheme]!;
    const signed = signImage(IMAGE, key);
    const tampered = TAMPERED.map(({ name, at, ...mends }) => {
      const offset = signed.length - SIGNATURE_SECTOR_SIZE + (typeof at === "number" ? at : at[scheme]);
      return { name, bytes: tamper(signed, offset, "mendsCrc" in mends) };
    });
    const whole = { name: "whole", bytes: signed };
    const foreign = { name: "foreign key", bytes: signImage(IMAGE, keys.other!) };
    return [whole, foreign, ...tampered].map((entry) => ({ ...entry, scheme, key }));
  });
  const jobs = await Promise.all(
    cases.map(async ({ key, bytes }, index) =>
      secure("verify-signature", "-v", "2", "-k", key.pem, await file(`case-${index}.bin`, bytes)),
    ),
  );
  const verdicts = await judge(jobs);
  for (const [index, { scheme, name, key, bytes }] of cases.entries()) {
    const { ok: theirs, output } = verdicts[index] as ToolVerdict;
    const ours = isAccepted(bytes, scheme, [keyDigestOf(key)]);
    const isWhole = name === "whole";
    // espsecure verifies with the key it is given, whatever the block's is; the ROM and we compare the block's digest.
    expect({ scheme, name, ours, theirs, output }).toMatchObject({
      ours: isWhole,
      theirs: isWhole || name === "the key",
    });
  }
});
