import { type DeviceProgress, OtaError } from "@tinybms/ota-core";
import { productOf } from "@tinybms/ota-core/signing";
import type { ImageFile } from "../../image-file.ts";
import type { DeliveryPlan } from "../../mqtt/deliver-over-mqtt.ts";
import type { MqttTarget } from "../../mqtt/mqtt-channel.ts";
import { type PreparedRollout, prepareRollout } from "../../rollout/rollout-options.ts";
import { countsText, errorOfRollout, recordText } from "../../rollout/rollout-text.ts";
import type { DeployOptions } from "./deploy-options.ts";
import { installOptionOf, installTermsOf } from "./install-terms.ts";
import { connectionNotices, tellHashLists } from "./mqtt-way.ts";
import type { DeliveryJob, DeliveryResult, DeployContext } from "./way.ts";

/**
 * Delivers in chunks and in stages.
 *
 * @throws {@link OtaError} as `deliverInStages` and `JournalFile.open`.
 */
export async function deliverStaged(
  channel: MqttTarget,
  plan: Omit<DeliveryPlan, "broker">,
  rollout: PreparedRollout,
  job: DeliveryJob,
): Promise<DeliveryResult> {
  const { events, signal } = job;
  const { deliverInStages } = await import("../../rollout/deliver-in-stages.ts");
  const { JournalFile } = await import("../../rollout/journal-file.ts");
  const journal = await JournalFile.open(rollout.file, rollout.mode);
  try {
    const broker = channel.broker ?? (await job.embeddedBroker());
    events.onNote(`the journal is ${rollout.file}`);
    const outcome = await deliverInStages(
      { ...plan, broker, subject: rollout.subject, rollout: rollout.plan, journal, request: rollout.request },
      {
        signal,
        onProgress: (device: DeviceProgress) => events.onDevice(device),
        onRecord: (record) => {
          const text = recordText(record, rollout.plan);
          if (text !== undefined) events.onNote(text);
        },
        onHashLists: (result) => tellHashLists(result, events),
        ...connectionNotices(broker, events),
      },
    );
    const { bytesSent, chunksSent, reason } = outcome;
    const goOn = reason === "held" ? [`the next stage waits: tinybms-ota rollout continue ${rollout.file}`] : [];
    return {
      bytesSent,
      chunksSent,
      error: errorOfRollout(outcome, rollout.plan),
      notes: [countsText(outcome), ...goOn],
    };
  } finally {
    journal.close();
  }
}

/**
 * Reads how a delivery goes in stages.
 *
 * @returns `undefined` if it does not.
 * @throws {@link OtaError} as `prepareRollout`; `arguments/invalid` for an option that a rollout can't follow.
 */
export function stagesOf(image: ImageFile, topic: string, context: DeployContext): PreparedRollout | undefined {
  const { root, options, target } = context;
  assertFollowsJournal(options);
  const { product } = productOf(root.manifest, image.chipId);
  const subject = { product, version: options.version, topic, image: image.sha256 };
  const rollout = prepareRollout(options, subject, { target, install: installTermsOf(options) }, root.folder);
  if (rollout === undefined) return undefined;
  const wrong = options.expect !== undefined ? "--expect" : options.wait !== "confirmed" ? "--wait" : undefined;
  if (wrong === undefined) return rollout;
  throw withoutEffect(wrong, "a rollout waits until each stage has settled");
}

/** Refuses options in place of which the journal of a former rollout counts. */
function assertFollowsJournal(options: DeployOptions): void {
  const { fromVersion, resume, retryFailed } = options;
  const from = fromVersion === undefined ? undefined : "--from-version";
  if (retryFailed !== undefined && from !== undefined)
    throw withoutEffect(from, "--retry-failed names the devices itself");
  const kept = from ?? installOptionOf(options);
  if (resume !== undefined && kept !== undefined) throw withoutEffect(kept, "the journal has it");
}

function withoutEffect(option: string, why: string): OtaError<"arguments/invalid"> {
  return new OtaError("arguments/invalid", `${option} has no effect: ${why}`, { option });
}
