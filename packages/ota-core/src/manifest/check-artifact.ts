import { isOtaError } from "../errors.ts";
import type { JsonValue } from "../json/strict-json.ts";
import { type CheckedArtifact, checkArtifactFile } from "./check-artifact-file.ts";
import { type ChannelLevel, checkDelivery, type Delivery, isInstalled, objectAt } from "./check-channels.ts";
import type { Environment } from "./environment.ts";
import { resolveArtifact } from "./load-path.ts";
import { DEFAULT_PROTOCOLS } from "./root.ts";
import type { CheckedDocument, ValidationReport } from "./validation-report.ts";

/** Context of the checks of one version. */
export interface VersionContext {
  readonly report: ValidationReport;
  readonly root: CheckedDocument;
  readonly rootLevel: ChannelLevel;
  readonly version: CheckedDocument;
  readonly env: Environment | undefined;
}

/**
 * Reports problems of one artifact: its path, its file, the image in it and its delivery.
 *
 * @param index - Its index in the version manifest, which may violate the schema.
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
    artifact: { document: version, pointer, size: typeof size === "number" ? size : undefined },
  };
  checkDelivery(report, delivery, env);
  if (typeof filename !== "string" || filename === "") return;
  if (basePath !== undefined && typeof basePath !== "string") return;
  const origin = { file: version.file, name: typeof name === "string" ? name : String(index) };
  // Values that violate the schema are reported elsewhere.
  const expected = {
    size: typeof size === "number" ? size : undefined,
    sha256: typeof sha256 === "string" && /^[0-9a-f]{64}$/i.test(sha256) ? sha256 : undefined,
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
  { mismatches, judged }: CheckedArtifact,
): void {
  for (const { path, ...problem } of mismatches) report.add(version, "error", { ...problem, path: pointer + path });
  const { hardware } = objectAt(objectAt(root.value).product);
  const faults = judged.faults("the file", typeof hardware === "string" ? hardware : undefined);
  for (const { error, blocks } of faults) {
    // A release line may contain a placeholder instead of firmware; only a delivery refuses it.
    const isError = blocks === "every-way" || (isInstalled(delivery) && !judged.isPlaceholder);
    const { code, message } = error;
    report.add(version, isError ? "error" : "warning", { code, path: `${pointer}/filename`, message });
  }
}

/** Returns an artifact's protocols from manifests that may violate the schema, and the place where they are listed. */
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
