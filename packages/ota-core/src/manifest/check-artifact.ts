import { isOtaError, type OtaErrorCode } from "../errors.ts";
import { chipById, chipsOfHardware } from "../image/chips.ts";
import type { JsonValue } from "../json/strict-json.ts";
import { type CheckedArtifact, checkArtifactFile } from "./check-artifact-file.ts";
import { type ChannelLevel, checkDelivery, type Delivery, isChunked, objectAt } from "./check-channels.ts";
import type { Environment } from "./environment.ts";
import { resolveArtifact } from "./load-path.ts";
import { DEFAULT_PROTOCOLS } from "./root.ts";
import type { CheckedDocument, Severity, ValidationReport } from "./validation-report.ts";

/** One version of a release line that is being checked. */
export interface VersionContext {
  readonly report: ValidationReport;
  readonly root: CheckedDocument;
  readonly rootLevel: ChannelLevel;
  readonly version: CheckedDocument;
  readonly env: Environment | undefined;
}

/**
 * Reports what is wrong with one artifact: its path, its file, the image in it, and how it is to be delivered.
 *
 * @param index - Its place in the version manifest, which may break the schema.
 * @param levels - The channels of root, version and artifact.
 */
export async function checkArtifact(
  context: VersionContext,
  index: number,
  levels: readonly ChannelLevel[],
): Promise<void> {
  const { report, version, env } = context;
  const pointer = `/artifacts/${index}`;
  const { base_path: basePath, artifacts } = objectAt(version.value);
  const { name, filename, size, sha256, protocols } = objectAt(Array.isArray(artifacts) ? artifacts[index] : undefined);
  const delivery: Delivery = {
    levels,
    ...protocolsOf(context, protocols, pointer),
    artifact: { document: version, pointer, ...(typeof size === "number" ? { size } : {}) },
  };
  checkDelivery(report, delivery, env);
  if (typeof filename !== "string" || filename === "") return;
  if (basePath !== undefined && typeof basePath !== "string") return;
  const origin = { file: version.file, name: typeof name === "string" ? name : String(index) };
  // What breaks the schema can't be compared with; the schema has said so.
  const expected = {
    ...(typeof size === "number" ? { size } : {}),
    ...(typeof sha256 === "string" && /^[0-9a-f]{64}$/i.test(sha256) ? { sha256 } : {}),
  };
  try {
    const path = await resolveArtifact(version.file, basePath, filename, index);
    reportFile(context, pointer, delivery, await checkArtifactFile(origin, path, expected));
  } catch (error) {
    if (!isOtaError(error)) throw error;
    report.addError(version, `${pointer}/filename`, error);
  }
}

function reportFile(
  { report, root, version }: VersionContext,
  pointer: string,
  delivery: Delivery,
  found: CheckedArtifact,
): void {
  for (const { path, ...problem } of found.mismatches)
    report.add(version, "error", { ...problem, path: pointer + path });
  const at = `${pointer}/filename`;
  const say = (severity: Severity, code: OtaErrorCode, message: string): void =>
    report.add(version, severity, { code, path: at, message });
  const { image, imageFault, startsAsImage, trailingSize } = found;
  if (image === undefined) {
    if (imageFault === undefined) return;
    const isError = startsAsImage || isChunked(delivery);
    const suffix = isError ? "" : "; no device can install it, and only blob mode and https deliver it";
    say(
      isError ? "error" : "warning",
      imageFault.code,
      `the file is no sound app image: ${imageFault.message}${suffix}`,
    );
    return;
  }
  if (trailingSize > 0) {
    const message = `${trailingSize} bytes follow the image, which ends at ${image.imageSize}; only a signature sector may follow it`;
    say(isChunked(delivery) ? "error" : "warning", "image/invalid", message);
  }
  const { hardware } = objectAt(objectAt(root.value).product);
  if (typeof hardware !== "string") return;
  const allowed = chipsOfHardware(hardware);
  const chip = chipById(image.header.chipId);
  const name = chip?.name ?? `chip 0x${image.header.chipId.toString(16).padStart(4, "0")}`;
  if (allowed === undefined || allowed.some(({ id }) => id === image.header.chipId)) return;
  say(
    "error",
    "package/wrong-chip",
    `the file is an image for ${name}; product.hardware of the root manifest is ${hardware}`,
  );
}

/** Over which channels an artifact goes, of what may break the schema; and where that stands. */
function protocolsOf(
  { root, version }: VersionContext,
  own: JsonValue | undefined,
  pointer: string,
): Pick<Delivery, "protocols" | "listedAt"> {
  const ofArtifact = namesIn(own);
  if (ofArtifact !== undefined) {
    return { protocols: ofArtifact, listedAt: { document: version, pointer: `${pointer}/protocols` } };
  }
  const ofRoot = namesIn(objectAt(objectAt(root.value).deployment).default_protocols);
  if (ofRoot === undefined) return { protocols: DEFAULT_PROTOCOLS };
  return { protocols: ofRoot, listedAt: { document: root, pointer: "/deployment/default_protocols" } };
}

function namesIn(value: JsonValue | undefined): string[] | undefined {
  return Array.isArray(value) ? value.filter((name) => typeof name === "string") : undefined;
}
