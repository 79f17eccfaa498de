import { type CommandOutput, printable } from "@tinybms/cli-kit/output";
import type { Envelope } from "@tinybms/ota-core/signing";
import { deviceTable } from "../console/device-table.ts";
import { displayBroker } from "../mqtt/broker-url.ts";
import { currentKeys, type OfferSigning } from "../signing/offer-signing.ts";
import type { DeployCommandOptions } from "./deploy-options.ts";
import type { DeployPlan, PlannedDelivery } from "./deploy-plan.ts";
import type { DeliveryRecord } from "./deploy-result.ts";

/** What a delivery is called: `gateway by mqtt`. */
export function titleOf({ artifact, transport, mode }: PlannedDelivery): string {
  return `${printable(artifact)} by ${transport}${["chunked", "body", "flash"].includes(mode) ? "" : ` (${mode})`}`;
}

/** Tells people what a deploy would do. */
export function reportPlan(plan: DeployPlan, options: DeployCommandOptions, output: CommandOutput): void {
  for (const planned of plan.deliveries) {
    const { artifact, file } = planned;
    output.print(
      `would deliver ${printable(artifact)} ${printable(plan.version)} (${file.sizeBytes} bytes) ${wayOf(planned, plan)}`,
    );
    output.print(`  file     ${printable(file.path)}`);
    output.print(`  SHA-256  ${file.sha256}`);
    for (const [name, text] of settingsOf(planned, options, plan.signing))
      output.print(`  ${name.padEnd(8)} ${printable(text)}`);
  }
}

/** Tells people how one delivery went, and what is wrong. */
export function reportRecord(record: DeliveryRecord, output: CommandOutput): void {
  const { planned, outcome, durationMs, chunksSent, bytesSent, notes, error } = record;
  const isShown = !output.quiet || outcome !== "delivered";
  if (isShown && record.devices.length > 0) {
    for (const line of deviceTable(record.devices, (style, text) => output.style(style, text))) output.print(line);
  }
  for (const note of notes) output.note(printable(note));
  if (isShown && outcome === "delivered") {
    const sent = planned.mode === "chunked" ? `${chunksSent} chunks sent` : `${bytesSent} bytes sent`;
    output.print(`${printable(planned.artifact)}: delivered in ${(durationMs / 1000).toFixed(1)} s, ${sent}`);
  }
  if (isShown && outcome === "offered") output.print(`${printable(planned.artifact)}: ${OFFERED_TEXT}`);
  if (error !== undefined) output.fail(error);
}

/** What it means that nobody was waited for. */
const OFFERED_TEXT =
  "offered; the broker keeps the offer, and devices get chunks only while a publisher runs (deploy without --wait none)";

/** Where there was more than one delivery, which failed. */
export function reportSum(records: readonly DeliveryRecord[], output: CommandOutput): void {
  const undone = records.filter(({ outcome }) => outcome === "planned" || outcome === "failed");
  if (records.length === 1 || undone.length === 0) return;
  const names = undone.map(
    ({ planned, outcome }) => `${titleOf(planned)}${outcome === "planned" ? " (not begun)" : ""}`,
  );
  output.note(`${undone.length} of ${records.length} deliveries were not made: ${names.join(", ")}`);
}

function wayOf(planned: PlannedDelivery, { target }: DeployPlan): string {
  if (planned.transport === "https") return `to ${planned.channel.display}`;
  if (planned.transport === "serial") return `to the boards at ${planned.ports.join(", ")}`;
  const { broker, topic } = planned.channel;
  const through = `through ${broker === undefined ? "the embedded broker" : displayBroker(broker)}, topic ${topic}`;
  if (planned.mode === "blob") return `as one message ${through}`;
  return `to ${target === "all" ? "every device of the product" : target.devices.join(", ")} ${through}`;
}

/** What else a delivery is made with: nothing of it is secret. */
function settingsOf(
  planned: PlannedDelivery,
  { timeout, wait }: DeployCommandOptions,
  signing: OfferSigning,
): [string, string][] {
  if (planned.transport === "https") {
    const { method, verify, headers, mode, proxy } = planned.channel;
    const names = [...headers.keys()].sort().join(", ");
    return [
      ["request", `${method}, ${mode}${verify ? "" : ", certificate not checked"}`],
      ...(proxy === undefined ? [] : ([["proxy", proxy.display]] satisfies [string, string][])),
      ...(names === "" ? [] : ([["headers", names]] satisfies [string, string][])),
      ["timeout", `${timeout} s`],
    ];
  }
  if (planned.transport === "serial") return [["slot", "the next one, selected"]];
  const { qos, retain, rate, connection } = planned.channel;
  const tls = Object.keys(connection.tls ?? {}).join(", ");
  const login = [...(connection.username === undefined ? [] : ["user name"]), ...(tls === "" ? [] : [tls])].join(", ");
  return [
    planned.mode === "blob"
      ? ["message", `QoS ${qos}, ${retain ? "retained" : "not retained"}`]
      : ["chunks", `QoS ${Math.min(1, qos)}, ${rate === 0 ? "no limit of pace" : `${rate} bytes/s`}, until ${wait}`],
    ...(login === "" ? [] : ([["login", login]] satisfies [string, string][])),
    ...(planned.mode === "chunked"
      ? ([["signed", signedText(planned.release, signing)]] satisfies [string, string][])
      : []),
    ["timeout", `${timeout} s`],
  ];
}

/** Who has signed the release, and who will sign the offer. */
function signedText({ signatures }: Envelope, signing: OfferSigning): string {
  const by = signatures.map(({ keyid }) => keyid).join(", ");
  const epoch = currentKeys(signing)?.document.epoch;
  const release = by === "" ? "the release by nobody" : `the release by ${by}`;
  const { length } = signing.signers;
  const offer = `the offer by ${length === 0 ? "nobody" : `${length} ${length === 1 ? "signer" : "signers"}`}`;
  return `${release}; ${offer}; ${epoch === undefined ? "not checked, there is no key set" : `checked against key set ${epoch}`}`;
}
