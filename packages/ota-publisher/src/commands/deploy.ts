import { type CommandOutput, ExitCode } from "@tinybms/cli-kit/output";
import type { EmbeddedBroker } from "@tinybms/ota-broker";
import { isOtaError, type OtaError } from "@tinybms/ota-core";
import { parseBrokerUrl } from "../mqtt/broker-url.ts";
import { embeddedAddressOf } from "./deploy-channel.ts";
import type { BrokerOf } from "./deploy-delivery.ts";
import type { DeployCommandOptions } from "./deploy-options.ts";
import { closePlan, type DeployPlan, planDeploy } from "./deploy-plan.ts";
import { reportPlan, reportRecord, reportSum, titleOf } from "./deploy-report.ts";
import { type DeliveryRecord, deployDocument, interruptedError, plannedRecord } from "./deploy-result.ts";
import { reachableUrls } from "./reachable-urls.ts";

/**
 * Delivers a release: each artifact in order, each of its ways in order. One that fails does not stop the next.
 *
 * @returns The exit code; what went wrong once deliveries ran is in the document, and told.
 * @throws OtaError for what is wrong before: arguments, manifests, files. It repeats no credential.
 */
export async function runDeploy(options: DeployCommandOptions, output: CommandOutput): Promise<number> {
  try {
    const plan = await planDeploy(options, output);
    try {
      return await carryOut(plan, options, output);
    } finally {
      closePlan(plan);
    }
  } catch (error) {
    throw output.clean(error);
  }
}

async function carryOut(plan: DeployPlan, options: DeployCommandOptions, output: CommandOutput): Promise<number> {
  for (const warning of plan.warnings) output.warn(warning);
  if (options.dryRun === true) {
    output.printJson(deployDocument(plan, plan.deliveries.map(plannedRecord), true));
    reportPlan(plan, options, output);
    return ExitCode.done;
  }
  const { records, error } = await deliverAll(plan, options, output);
  output.printJson(deployDocument(plan, records, false, error));
  reportSum(records, output);
  if (error === undefined) return ExitCode.done;
  return error.code === "delivery/interrupted" ? ExitCode.interrupted : ExitCode.failed;
}

/** Runs every delivery, unless it is interrupted. */
async function deliverAll(
  plan: DeployPlan,
  options: DeployCommandOptions,
  output: CommandOutput,
): Promise<{ readonly records: readonly DeliveryRecord[]; readonly error: OtaError | undefined }> {
  // Loaded here, like all that follows from it: a dry run needs none.
  const { deliver } = await import("./deploy-delivery.ts");
  const records = plan.deliveries.map(plannedRecord);
  const { signal } = output.world;
  const brokers = new EmbeddedBrokers(options, output);
  let firstError: OtaError | undefined;
  try {
    for (const [index, planned] of plan.deliveries.entries()) {
      if (signal.aborted) break;
      if (records.length > 1) output.note(`${titleOf(planned)} (${index + 1} of ${records.length})`);
      const record = await deliver({ plan, planned, options, output, brokerOf: brokers.brokerOf });
      records[index] = record;
      reportRecord(record, output);
      firstError ??= record.error;
    }
  } finally {
    await brokers.close();
  }
  const error = signal.aborted ? records.map((record) => record.error).find(isInterruption) : firstError;
  // Between two deliveries nobody has told it yet.
  if (!signal.aborted || error !== undefined) return { records, error };
  const interrupted = interruptedError();
  output.fail(interrupted);
  return { records, error: interrupted };
}

function isInterruption(error: OtaError | undefined): boolean {
  return isOtaError(error, "delivery/interrupted");
}

/** The broker in this process, begun with the first delivery that needs it. */
class EmbeddedBrokers {
  readonly #options: DeployCommandOptions;
  readonly #output: CommandOutput;
  #broker: EmbeddedBroker | undefined;

  constructor(options: DeployCommandOptions, output: CommandOutput) {
    this.#options = options;
    this.#output = output;
  }

  /** Where a channel's broker is. */
  readonly brokerOf: BrokerOf = async ({ broker }) => {
    if (broker !== undefined) return broker;
    this.#broker ??= await this.#start();
    return parseBrokerUrl(this.#broker.url);
  };

  async close(): Promise<void> {
    await this.#broker?.close();
  }

  async #start(): Promise<EmbeddedBroker> {
    const { startEmbeddedBroker } = await import("@tinybms/ota-broker");
    const broker = await startEmbeddedBroker(embeddedAddressOf(this.#options.broker));
    for (const url of reachableUrls(broker)) this.#output.note(`devices can connect to ${url}`);
    return broker;
  }
}
