// espefuse knows every chip's eFuses, and burns them in a file: the chips' data and the simulated eFuses must agree.
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toHex } from "@tinybms/ota-core";
import { CHIPS, type Chip } from "@tinybms/ota-core/esp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Efuse } from "../firmware-sim/src/boot/efuse.ts";
import { keyDigestOf } from "../firmware-sim/test/sign-image.ts";
import { hasNoJudges, type Job, JUDGES, judge, type ToolVerdict } from "./judges-python.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tinybms-judges-efuse-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Field {
  readonly bit_len: number;
  readonly value: unknown;
  readonly raw_value: string;
}

/** A command on the virtual eFuses of a chip, which last from one command to the next. */
function efuse({ name }: Chip, ...args: readonly string[]): Job {
  const file = join(folder, `${name}.efuse`);
  return { tool: "espefuse", args: ["--chip", name, "--virt", "--path-efuse-file", file, "--do-not-confirm", ...args] };
}

function fieldsOf({ ok, output }: ToolVerdict): Readonly<Record<string, Field>> {
  expect(ok, output).toBe(true);
  return JSON.parse(output.slice(output.indexOf("{\n"), output.lastIndexOf("}") + 1));
}

test.skipIf(hasNoJudges)(`the chips' eFuse fields are as wide, and as many, as espefuse says${JUDGES}`, async () => {
  const verdicts = await judge(CHIPS.map((chip) => efuse(chip, "summary", "--format", "json")));
  for (const [index, chip] of CHIPS.entries()) {
    const fields = fieldsOf(verdicts[index]!);
    const isOriginal = chip.name === "esp32"; // its fields are older than the others' names
    expect(fields.SECURE_VERSION?.bit_len, chip.name).toBe(chip.secureVersionBits);
    const revocations = Object.keys(fields).filter((name) => /^SECURE_BOOT_KEY_REVOKE\d$/.test(name)).length;
    expect(Math.max(1, revocations), chip.name).toBe(chip.secureBootKeyDigests);
    for (const name of ["DISABLE_WAFER_VERSION_MAJOR", "DISABLE_BLK_VERSION_MAJOR"]) {
      expect(name in fields, `${chip.name} ${name}`).toBe(!isOriginal);
    }
    expect("SECURE_BOOT_EN" in fields, chip.name).toBe(!isOriginal);
  }
});

test.skipIf(hasNoJudges)(`eFuses burnt by espefuse say what the simulated ones say${JUDGES}`, async () => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 3072 });
  const pem = join(folder, "key.pem");
  await writeFile(pem, privateKey.export({ type: "pkcs8", format: "pem" }));
  const digest = keyDigestOf({ scheme: "rsa-3072", privateKey });
  const chips = CHIPS.filter(({ name }) => name === "esp32c3");
  const verdicts = await judge(
    chips.flatMap((chip) => [
      efuse(chip, "burn-key-digest", "BLOCK_KEY0", pem, "SECURE_BOOT_DIGEST0"),
      // Versions are bits, the lowest first: 3, then 5.
      efuse(chip, "burn-efuse", "SECURE_VERSION", "0x7", "SECURE_BOOT_EN", "1"),
      efuse(chip, "burn-efuse", "SECURE_VERSION", "0x1f", "DISABLE_BLK_VERSION_MAJOR", "1"),
      efuse(chip, "summary", "--format", "json"),
    ]),
  );
  for (const [index, chip] of chips.entries()) {
    const [burntKey, burnt, burntAgain, summary] = verdicts.slice(4 * index, 4 * index + 4);
    for (const verdict of [burntKey!, burnt!, burntAgain!]) expect(verdict.ok, verdict.output).toBe(true);
    const fields = fieldsOf(summary!);
    const simulated = new Efuse(chip, { secureVersion: 3, secureBoot: true, secureBootDigests: [digest] });
    expect(simulated.updateSecureVersion(5)).toBe(0);
    const bits = BigInt(fields.SECURE_VERSION!.raw_value);
    expect(bits.toString(2).replaceAll("0", "").length, chip.name).toBe(simulated.secureVersion);
    expect(fields.SECURE_BOOT_EN!.value, chip.name).toBe(simulated.isSecureBootOn);
    const stored = String(fields.BLOCK_KEY0!.value).replaceAll(" ", "");
    expect(simulated.trustedKeyDigests.map(toHex), chip.name).toEqual([stored]);
  }
});
