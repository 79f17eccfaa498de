import { type CommandOutput, printable } from "@tinybms/cli-kit/output";
import { CHUNK_SIZE, type DeliveryLimit } from "@tinybms/ota-core";
import { deviceTable } from "../console/device-table.ts";
import type { DeliveryView, DeployReporter } from "./deploy.ts";
import type { DeliveryRecord } from "./deploy-result.ts";
import type { DeployOptions } from "./ways/deploy-options.ts";
import type { PlannedDelivery } from "./ways.ts";

/** Creates the reporter that prints the progress and the results of a deploy. */
export function createDeployReporter(
  { version, dryRun = false }: Pick<DeployOptions, "version" | "dryRun">,
  output: CommandOutput,
): DeployReporter {
  return {
    onWarning: (text) => output.warn(text),
    onBegin: async (planned, index, count) => {
      if (count > 1) output.note(`${titleOf(planned)} (${index + 1} of ${count})`);
      return await openView(planned, output);
    },
    onEnd: (record) => reportRecord(record, output),
    onInterrupted: (error) => output.fail(error),
    onDone: (records) => {
      if (dryRun) for (const { planned } of records) reportPlanned(planned, version, output);
      else reportSum(records, output);
    },
  };
}

/** Creates the progress view of a delivery. Loads the progress bars here, because a dry run needs none. */
async function openView({ way, artifact, description }: PlannedDelivery, output: CommandOutput): Promise<DeliveryView> {
  const { createByteProgress } = await import("../console/byte-progress.ts");
  const { createProgressView } = await import("../console/progress-view.ts");
  const devices =
    way.progress === "devices" ? createProgressView(output, way.transport === "serial" ? 1 : CHUNK_SIZE) : undefined;
  const bytes = devices ? undefined : createByteProgress(output, printable(artifact), description.file.sizeBytes);
  return {
    onDevice: (device) => devices?.update(device),
    onBytes: (bytesSent) => bytes?.update(bytesSent),
    onNote: (text, detail = text) => (devices ?? bytes)?.note(output.verbose ? detail : text),
    onDetail: (text) => output.debug(text),
    stop: () => (devices ?? bytes)?.stop(),
  };
}

/** Returns the title of a delivery, such as `gateway by mqtt`. */
function titleOf({ artifact, description }: PlannedDelivery): string {
  return `${printable(artifact)} by ${description.label}`;
}

function reportPlanned({ artifact, description }: PlannedDelivery, version: string, output: CommandOutput): void {
  const { file, destination, settings } = description;
  output.print(`would deliver ${printable(artifact)} ${printable(version)} (${file.sizeBytes} bytes) ${destination}`);
  output.print(`  file     ${printable(file.path)}`);
  output.print(`  SHA-256  ${file.sha256}`);
  for (const [name, text] of settings) output.print(`  ${name.padEnd(8)} ${printable(text)}`);
}

function reportRecord(record: DeliveryRecord, output: CommandOutput): void {
  const { planned, outcome, durationMs, chunksSent, bytesSent, limitedBy, notes, error } = record;
  const isShown = !output.quiet || outcome !== "delivered";
  if (isShown && record.devices.length > 0) {
    for (const line of deviceTable(record.devices, (style, text) => output.style(style, text))) output.print(line);
  }
  for (const note of notes) output.note(printable(note));
  if (isShown && outcome === "delivered") {
    const sent = chunksSent === undefined ? `${bytesSent} bytes sent` : `${chunksSent} chunks sent`;
    const limit = limitedBy === undefined ? "" : `; ${LIMIT_TEXTS[limitedBy]}`;
    output.print(`${printable(planned.artifact)}: delivered in ${(durationMs / 1000).toFixed(1)} s, ${sent}${limit}`);
  }
  if (isShown && outcome === "offered") output.print(`${printable(planned.artifact)}: ${OFFERED_TEXT}`);
  if (error !== undefined) output.fail(error);
}

/** What limited a delivery. */
const LIMIT_TEXTS: Readonly<Record<DeliveryLimit, string>> = {
  rate: "limited by the rate",
  broker: "limited by the broker, which acknowledges slower",
  devices: "limited by the devices",
};

/** Message after an offer with `--wait none`. */
const OFFERED_TEXT =
  "offered; the broker keeps the offer, and devices get chunks only while a publisher runs (deploy without --wait none)";

/** Prints which deliveries failed, if there is more than one. */
function reportSum(records: readonly DeliveryRecord[], output: CommandOutput): void {
  const undone = records.filter(({ outcome }) => outcome === "planned" || outcome === "failed");
  if (records.length === 1 || undone.length === 0) return;
  const names = undone.map(
    ({ planned, outcome }) => `${titleOf(planned)}${outcome === "planned" ? " (not started)" : ""}`,
  );
  output.note(`${undone.length} of ${records.length} deliveries failed: ${names.join(", ")}`);
}
