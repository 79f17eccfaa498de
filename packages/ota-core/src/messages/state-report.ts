import { utf8 } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import { validateStateReport } from "../schemas/message-validators.generated.ts";
import type { StateReport } from "../schemas/types.generated.ts";
import { buildMessage, type Immutable, type MessageKind, malformedMessage, parseMessage } from "./json-message.ts";
import { MESSAGE_SIZE_MAX } from "./topics.ts";

/** State of a device's current offer, as in its state report. */
export type DeviceState = StateReport["state"];

/** Maximum size of a reported error's message in bytes of UTF-8. */
export const ERROR_MESSAGE_MAX = 200;

const STATE: MessageKind<StateReport> = {
  name: "state",
  sizeMax: MESSAGE_SIZE_MAX.state,
  validate: validateStateReport,
};

/**
 * Parses a device's state report. The report is an unauthenticated claim: base no trust on it.
 *
 * @throws {@link OtaError} `protocol/too-large` if it exceeds 1024 bytes.
 * @throws {@link OtaError} `protocol/malformed` if it is not a state report.
 */
export function parseStateReport(payload: Uint8Array): StateReport {
  const report = parseMessage(payload, STATE);
  const size = report.error === undefined ? 0 : utf8(report.error.message).length;
  if (size <= ERROR_MESSAGE_MAX) return report;
  const reason = `error.message has ${size} bytes of UTF-8; at most ${ERROR_MESSAGE_MAX} are allowed`;
  throw malformedMessage(STATE.name, "/error/message", reason);
}

/** Parses a device's state report. Returns `undefined` if {@link parseStateReport} refuses it. */
export function readStateReport(payload: Uint8Array): StateReport | undefined {
  try {
    return parseStateReport(payload);
  } catch (error) {
    if (isOtaError(error)) return undefined;
    throw error;
  }
}

/**
 * Builds a state report message of at most 1024 bytes. Truncates an error's message to 200 bytes of UTF-8. If the report
 * is still too large, leaves out the counters, then empties the message, then empties the version.
 *
 * @throws {@link OtaError} `protocol/malformed` if {@link parseStateReport} would refuse it.
 */
export function buildStateReport(report: Immutable<StateReport>): Uint8Array {
  const { stats, ...withoutStats } = withMessageCut(report, ERROR_MESSAGE_MAX);
  const whole = stats === undefined ? withoutStats : { ...withoutStats, stats };
  const withoutMessage = withMessageCut(withoutStats, 0);
  const smaller = [whole, withoutStats, withoutMessage].find(fits);
  return buildMessage(smaller ?? { ...withoutMessage, version: "" }, STATE);
}

function withMessageCut(report: Immutable<StateReport>, sizeMax: number): Immutable<StateReport> {
  const { error } = report;
  if (error === undefined || utf8(error.message).length <= sizeMax) return report;
  return { ...report, error: { ...error, message: cut(error.message, sizeMax) } };
}

/** Returns the longest start of a text that has at most `sizeMax` bytes of UTF-8 and whole characters. */
function cut(text: string, sizeMax: number): string {
  let end = 0;
  let size = 0;
  for (const character of text) {
    size += utf8(character).length;
    if (size > sizeMax) break;
    end += character.length;
  }
  return text.slice(0, end);
}

function fits(report: Immutable<StateReport>): boolean {
  return utf8(JSON.stringify(report)).length <= STATE.sizeMax;
}
