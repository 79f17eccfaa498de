import { isOtaError } from "../errors.ts";
import type { VersionContext } from "./check-artifact.ts";
import { objectAt } from "./check-channels.ts";
import { readReleaseFile, releaseFileOf } from "./release-file.ts";
import type { CheckedFile } from "./validation-report.ts";

/**
 * Reports the problems of `release.json` for which `deploy` would refuse it. Does not verify signatures, because a
 * release line does not contain the trusted keys.
 *
 * @param id - The version.
 */
export async function checkReleaseFile({ report, root, version }: VersionContext, id: string): Promise<void> {
  const file = releaseFileOf(version.file);
  const checked: CheckedFile = { file, prefix: version.prefix.replace(/[^/]*#$/, "release.json#") };
  try {
    const found = await readReleaseFile(file);
    if (found === undefined) return;
    const { release } = found;
    const { name: product = "firmware", hardware = release.hardware } = objectAt(objectAt(root.value).product);
    const { artifacts } = objectAt(version.value);
    const hashes = (Array.isArray(artifacts) ? artifacts : []).map((artifact) => objectAt(artifact).sha256);
    const isNamed = hashes.some((hash) => typeof hash === "string" && hash.toLowerCase() === release.image.sha256);
    const reportMismatch = (member: string, signed: string, wanted: string): void =>
      report.add(checked, "error", {
        code: "signing/release-mismatch",
        path: "",
        message: `its ${member} is ${JSON.stringify(signed)}, and must be ${wanted}; package the same build again with --sign-key`,
      });
    if (release.version !== id) reportMismatch("version", release.version, JSON.stringify(id));
    if (release.product !== product) reportMismatch("product", release.product, JSON.stringify(product));
    if (release.hardware !== hardware) reportMismatch("hardware", release.hardware, JSON.stringify(hardware));
    if (!isNamed) reportMismatch("image.sha256", release.image.sha256, "that of an artifact of the version");
  } catch (error) {
    if (!isOtaError(error)) throw error;
    report.addError(checked, "", error);
  }
}
