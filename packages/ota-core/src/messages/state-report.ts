import { utf8 } from "../bytes.ts";
import type { StateReport } from "../schemas/types.generated.ts";
import { validateStateReport } from "../schemas/validators.generated.ts";
import { buildMessage, type Immutable, type MessageKind, parseMessage } from "./json-message.ts";
import { MESSAGE_SIZE_MAX } from "./topics.ts";

/** State of a device's current offer, as in its state report. */
export type DeviceState = StateReport["state"];

/** Maximum length of a reported error's message in UTF-16 units. */
const ERROR_MESSAGE_MAX = 256;

const STATE: MessageKind<StateReport> = {
  name: "state",
  sizeMax: MESSAGE_SIZE_MAX.state,
  validate: validateStateReport,
};

/**
 * Parses a device's state report. The report is an unauthenticated claim: base no trust on it.
 *
 * @throws {@link OtaError} `protocol/too-large` if it exceeds 2 KiB.
 * @throws {@link OtaError} `protocol/malformed` if it is not a state report.
 */
export function parseStateReport(payload: Uint8Array): StateReport {
  return parseMessage(payload, STATE);
}

/**
 * Builds a state report message. To stay below 2 KiB, truncates an error's message to 256 characters and, if that is
 * not enough, leaves out the counters and then the message.
 *
 * @throws {@link OtaError} `protocol/malformed` if {@link parseStateReport} would refuse it.
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

/** Returns the first `lengthMax` UTF-16 units of a text, one fewer if that would split a surrogate pair. */
function cut(text: string, lengthMax: number): string {
  return text.slice(0, lengthMax).replace(/[\ud800-\udbff]$/, "");
}

function fits(report: Immutable<StateReport>): boolean {
  return utf8(JSON.stringify(report)).length <= STATE.sizeMax;
}
