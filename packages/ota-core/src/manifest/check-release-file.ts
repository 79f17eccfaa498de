import { isOtaError } from "../errors.ts";
import type { VersionContext } from "./check-artifact.ts";
import { objectAt } from "./check-channels.ts";
import { readReleaseFile, releaseFileOf } from "./release-file.ts";
import type { CheckedFile } from "./validation-report.ts";

/**
 * Reports what is wrong with a signed release beside its version manifest: `deploy` would refuse it. Signatures are not
 * verified here: whom devices trust is no part of a release line.
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
    const say = (member: string, signed: string, wanted: string): void =>
      report.add(checked, "error", {
        code: "signing/release-mismatch",
        path: "",
        message: `its ${member} is ${JSON.stringify(signed)}, and must be ${wanted}; package the same build again with --sign-key`,
      });
    if (release.version !== id) say("version", release.version, JSON.stringify(id));
    if (release.product !== product) say("product", release.product, JSON.stringify(product));
    if (release.hardware !== hardware) say("hardware", release.hardware, JSON.stringify(hardware));
    if (!isNamed) say("image.sha256", release.image.sha256, "that of an artifact of the version");
  } catch (error) {
    if (!isOtaError(error)) throw error;
    report.addError(checked, "", error);
  }
}
