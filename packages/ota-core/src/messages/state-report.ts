import { utf8 } from "../bytes.ts";
import type { StateReport } from "../schemas/types.generated.ts";
import { validateStateReport } from "../schemas/validators.generated.ts";
import { buildMessage, type Immutable, type MessageKind, parseMessage } from "./json-message.ts";
import { MESSAGE_SIZE_MAX } from "./topics.ts";

/** Where a device stands with its offer, as its state report says it. */
export type DeviceState = StateReport["state"];

/** UTF-16 units of the longest message of a reported error. */
const ERROR_MESSAGE_MAX = 256;

const STATE: MessageKind<StateReport> = {
  name: "state",
  sizeMax: MESSAGE_SIZE_MAX.state,
  validate: validateStateReport,
};

/**
 * Reads a device's state report: a claim of the device, never a reason to trust anything.
 *
 * @throws OtaError `protocol/too-large` or `protocol/malformed`.
 */
export function parseStateReport(payload: Uint8Array): StateReport {
  return parseMessage(payload, STATE);
}

/**
 * A state report as it travels. A report must get through: an error's message is cut to 256 characters, and where the
 * whole is still larger than 2 KiB, the counters are left out, and then that message.
 *
 * @throws OtaError `protocol/malformed` where no publisher would take it.
 */
export function buildStateReport(report: Immutable<StateReport>): Uint8Array {
  const { stats, ...withoutStats } = withMessageCut(report, ERROR_MESSAGE_MAX);
  const whole = stats === undefined ? withoutStats : { ...withoutStats, stats };
  if (fits(whole)) return buildMessage(whole, STATE);
  if (fits(withoutStats)) return buildMessage(withoutStats, STATE);
  return buildMessage(withMessageCut(withoutStats, 0), STATE);
}

function withMessageCut(report: Immutable<StateReport>, lengthMax: number): Immutable<StateReport> {
  const { error } = report;
  if (error === undefined || error.message.length <= lengthMax) return report;
  return { ...report, error: { ...error, message: cut(error.message, lengthMax) } };
}

/** The first `lengthMax` UTF-16 units of a text, one fewer where that would part a surrogate pair. */
function cut(text: string, lengthMax: number): string {
  return text.slice(0, lengthMax).replace(/[\ud800-\udbff]$/, "");
}

function fits(report: Immutable<StateReport>): boolean {
  return utf8(JSON.stringify(report)).length <= STATE.sizeMax;
}
