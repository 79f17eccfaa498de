import { type CommandOutput, ExitCode, type OutputOptions } from "@tinybms/cli-kit/output";
import { type OfferDocument, OtaError } from "@tinybms/ota-core";
import { loadRootManifest, loadVersion } from "@tinybms/ota-core/node";
import { productOf } from "@tinybms/ota-core/signing";
import { brokerPlace, readMqttChannel } from "../deploy/ways/mqtt-way.ts";
import { readTarget } from "../deploy/ways/named-devices.ts";
import type { MqttTarget } from "../mqtt/mqtt-channel.ts";
import { type DeliveryTarget, releaseVersionOf } from "../offer-payload.ts";
import { type OfferCounter, sequenceFileOf } from "../sequence.ts";
import { type OfferSigning, type OfferSigningOptions, openOfferSigning } from "../signing/offer-signing.ts";

/** Options of `tinybms-ota withdraw`, as commander parses them. */
export interface WithdrawCommandOptions extends OutputOptions, OfferSigningOptions {
  readonly version: string;
  readonly manifest: string;
  readonly device?: readonly string[];
  readonly deviceFile?: string;
  readonly broker?: string;
  readonly allowInsecure?: boolean;
  /** Time limit, in seconds. */
  readonly timeout: number;
}

/** Document of `withdraw --json`. */
interface WithdrawDocument {
  readonly version: string;
  readonly withdrawals: readonly Withdrawal[];
}

interface Withdrawal {
  readonly broker: string;
  readonly topic: string;
  readonly target: DeliveryTarget;
  readonly epoch: number;
  readonly sequence: number;
}

/**
 * Withdraws a version on each topic of its artifacts. Devices that are downloading it stop; devices that run it keep
 * it.
 *
 * @returns The exit code: 0 once the brokers retain the new offers.
 * @throws {@link OtaError} `delivery/not-offered` if a broker does not offer this version; `manifest/…`, `arguments/…`,
 *   `signing/…`, `delivery/…`. The error contains no credential.
 */
export async function runWithdraw(options: WithdrawCommandOptions, output: CommandOutput): Promise<number> {
  try {
    return await withdraw(options, output);
  } catch (error) {
    throw output.clean(error);
  }
}

async function withdraw(options: WithdrawCommandOptions, output: CommandOutput): Promise<number> {
  const root = await loadRootManifest(options.manifest);
  const target = await readTarget(options, root.folder);
  const loaded = await loadVersion(root, options.version);
  const signing = await openOfferSigning(options, root.folder, productOf(root.manifest, 0).product, output);
  const channels = new Map<string, MqttTarget>();
  for (const artifact of loaded.artifacts.filter(
    (it) => it.channels.mqtt !== undefined || options.broker !== undefined,
  )) {
    const { channel, warnings } = await readMqttChannel(artifact, "chunked", { root, options, output });
    for (const warning of warnings) output.warn(output.redact(warning));
    channels.set(`${brokerPlace(channel).broker} ${channel.topic}`, channel);
  }
  if (channels.size === 0) {
    const message = `no artifact of version ${options.version} has an mqtt channel, so nothing is offered`;
    throw new OtaError("arguments/invalid", message, { option: "--version" });
  }
  const sequenceFile = sequenceFileOf(root.folder);
  const withdrawals: Withdrawal[] = [];
  for (const channel of channels.values()) {
    const [epoch, sequence] = await withdrawFrom(channel, target, { options, signing, sequenceFile, output });
    withdrawals.push({ broker: brokerPlace(channel).broker, topic: channel.topic, target, epoch, sequence });
    const whom = target === "all" ? "every device of the product" : target.devices.join(", ");
    if (!output.quiet) output.print(`${options.version} is withdrawn from ${whom} on topic ${channel.topic}`);
  }
  const document: WithdrawDocument = { version: options.version, withdrawals };
  output.printJson(document);
  return ExitCode.done;
}

/**
 * Publishes an offer without a release, and checks that the broker retains it. Then clears the hash lists that no offer
 * names any more.
 *
 * @returns The offer's epoch and sequence.
 */
async function withdrawFrom(
  channel: MqttTarget,
  target: DeliveryTarget,
  {
    options,
    signing,
    sequenceFile,
    output,
  }: {
    readonly options: WithdrawCommandOptions;
    readonly signing: OfferSigning;
    readonly sequenceFile: string;
    readonly output: CommandOutput;
  },
): Promise<OfferCounter> {
  const { broker, topic: topicRoot } = channel;
  if (broker === undefined) {
    const message = "--broker embedded: a broker that has just started has no offer to withdraw";
    throw new OtaError("arguments/invalid", message, { option: "--broker" });
  }
  const timeoutMs = options.timeout * 1000;
  const { connectBroker } = await import("../mqtt/connection.ts");
  const { publishOffer } = await import("../mqtt/publish-offer.ts");
  const { clearHashLists, hashListsText } = await import("../mqtt/clear-hash-lists.ts");
  const { signal } = output.world;
  const connection = await connectBroker(broker, { ...channel.connection, connectTimeoutMs: timeoutMs, signal });
  try {
    const plan = { topicRoot, target, release: null, signing, expectedCount: undefined, sequenceFile, timeoutMs };
    const check = (before: readonly OfferDocument[]): void => assertOffered(before, options.version, topicRoot);
    const { counter } = await publishOffer(connection, plan, { signal }, check);
    const text = hashListsText(await clearHashLists(connection, { topicRoot, signal }));
    if (text !== undefined) output.debug(text);
    return counter;
  } finally {
    await connection.close();
  }
}

function assertOffered(before: readonly OfferDocument[], version: string, topic: string): void {
  const offered = before.map(releaseVersionOf);
  if (offered.includes(version)) return;
  const found = offered.filter((it) => it !== undefined);
  const instead = found.length === 0 ? "nothing" : [...new Set(found)].join(" and ");
  const message = `version ${version} is not offered on topic ${topic}: the broker offers ${instead} there`;
  throw new OtaError("delivery/not-offered", message, { version, offered: found });
}
