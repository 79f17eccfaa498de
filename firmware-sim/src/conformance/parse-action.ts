import { buildReceiverRecord, OtaError, parseReceiverRecord, type ReceiverAction, utf8 } from "@tinybms/ota-core";
import { buildKeySetRecord, parseKeySetRecord } from "@tinybms/ota-core/signing";
import { isObject, type VectorObject } from "./vector.ts";
import type { VectorJson } from "./vector-json.ts";

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
const isFlag: Check = (value) => typeof value === "boolean";
const isCount: Check = (value) => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
const isBytes: Check = (value) => value instanceof Uint8Array;
const isTimer: Check = (value) => ["request", "probation", "report", "verify"].some((timer) => timer === value);

const isRecord: Check = (value) => isObject(value) && readsBack(value, buildReceiverRecord, parseReceiverRecord);
const isKeySet: Check = (value) => isObject(value) && readsBack(value, buildKeySetRecord, parseKeySetRecord);

/** Members of each action, and what they hold. */
const MEMBERS: Readonly<Record<ReceiverAction["type"], Readonly<Record<string, Check>>>> = {
  subscribe: { topic: isText },
  unsubscribe: { topic: isText },
  publish: { topic: isText, payload: isBytes, qos: (value) => value === 0 || value === 1, retain: isFlag },
  "set-timer": { timer: isTimer, at: (value) => typeof value === "number" && Number.isFinite(value) },
  "clear-timer": { timer: isTimer },
  verify: { algorithm: isText, spki: isBytes, kind: isText, payload: isBytes, signature: isBytes },
  "read-flash": { offset: isCount, length: isCount },
  "erase-sector": { offset: isCount },
  program: { offset: isCount, bytes: isBytes },
  "verify-image": { length: isCount },
  "invalidate-otadata": {},
  "set-boot-partition": {},
  "mark-valid": {},
  "roll-back": {},
  "renew-will": {},
  reboot: {},
  store: { record: isRecord },
  "store-key-set": { keySet: isKeySet },
};

/**
 * Reads an action that a program answered with.
 *
 * @throws {@link OtaError} `simulation/no-answer` if it is not an action, or a member is missing or of another type.
 */
export function parseAction(json: VectorJson, action: VectorObject): ReceiverAction {
  const { type, payload } = action;
  const found = json.decode(action);
  // A message of the device may be written as the JSON value that it holds.
  const isWritten = type === "publish" && isObject(payload) && payload.json !== undefined;
  const decoded = isWritten ? { ...action, payload: utf8(JSON.stringify(payload.json)) } : found;
  const members = MEMBERS[type as ReceiverAction["type"]];
  if (members === undefined || !isObject(decoded)) throw refuse(action, `${JSON.stringify(type)} is not an action`);
  const wrong = Object.entries(members).find(([name, isRight]) => !isRight(decoded[name]));
  if (wrong !== undefined) throw refuse(action, `its member ${JSON.stringify(wrong[0])} is not valid`);
  return decoded as unknown as ReceiverAction;
}

/** Returns whether a document survives being stored. */
function readsBack<Stored>(
  document: unknown,
  build: (value: Stored) => string,
  parse: (text: string) => Stored | undefined,
): boolean {
  try {
    return parse(build(document as Stored)) !== undefined;
  } catch {
    return false;
  }
}

function refuse(action: VectorObject, reason: string): OtaError<"simulation/no-answer"> {
  const message = `the receiver answered ${JSON.stringify(action).slice(0, 200)}: ${reason}`;
  return new OtaError("simulation/no-answer", message, { command: "" });
}
