import { OtaError } from "@tinybms/ota-core";

/** Maximum length of a release's version in UTF-16 units (`schemas/protocol/release.schema.json`). */
const VERSION_LENGTH_MAX = 128;

/**
 * Returns the version under which an image is released: the given one, or that of its app descriptor.
 *
 * @param file - Name of the image, for messages.
 * @param described - `version` in its app descriptor.
 * @param given - Value of `--version`.
 * @throws {@link OtaError} `package/version-unknown` if there is neither; `package/version-invalid` if the given one is
 *   empty or too long.
 */
export function releaseVersionOf(file: string, described: string, given: string | undefined): string {
  if (given !== undefined) {
    if (given !== "" && given.length <= VERSION_LENGTH_MAX) return given;
    const message = `the version must be 1 to ${VERSION_LENGTH_MAX} characters; it has ${given.length}`;
    throw new OtaError(
      "package/version-invalid",
      message,
      { version: given },
      { hint: "set another version with --version" },
    );
  }
  if (described !== "") return described;
  const message = `${file}: the version of its app descriptor is empty`;
  throw new OtaError("package/version-unknown", message, { file }, { hint: "set the version with --version" });
}
