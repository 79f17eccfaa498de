import { OtaError } from "@tinybms/ota-core";

/** What a release's version may have in UTF-16 units (`schemas/protocol/release.schema.json`). */
const VERSION_LENGTH_MAX = 128;

/**
 * Returns the version that an image is released as: the given one, else that of its app descriptor.
 *
 * @param file - The image, for messages.
 * @param described - `version` of its app descriptor.
 * @param given - What `--version` says.
 * @throws OtaError `package/version-unknown` if neither says one; `package/version-invalid` for a given one that is empty
 *   or too long.
 */
export function releaseVersionOf(file: string, described: string, given: string | undefined): string {
  if (given !== undefined) {
    if (given !== "" && given.length <= VERSION_LENGTH_MAX) return given;
    const message = `the version must be 1 to ${VERSION_LENGTH_MAX} characters; it has ${given.length}`;
    throw new OtaError("package/version-invalid", message, { version: given }, { hint: "name another with --version" });
  }
  if (described !== "") return described;
  const message = `${file}: the version of its app descriptor is empty`;
  throw new OtaError("package/version-unknown", message, { file }, { hint: "name the version with --version" });
}
