/** Reads what the judge of `components/tinybms_ota/host/judge` writes; `judge.c` describes the form. */
import {
  parseReceiverRecord,
  parseStateReport,
  type ReceiverAction,
  type StateReport,
  sha256,
  toHex,
} from "@tinybms/ota-core";
import { parseKeySetRecord } from "@tinybms/ota-core/signing";
import { ALGORITHMS, FLASH_OPERATIONS, KINDS, Store, TIMERS } from "../../packages/ota-device-wasm/src/device-enums.ts";

/** What the machine did because of an event. */
export interface JudgeAnswer {
  readonly actions: readonly ReceiverAction[];
  /** What the machine says of itself afterwards. */
  readonly summary: JudgeSummary;
  /** Instructions that the machine took, SHA-256 and the judge left out; 0 where nobody counts them. */
  readonly instructions: number;
}

/** What a machine says of itself. */
export interface JudgeSummary {
  readonly state: string;
  /** Code of its error; empty without one. */
  readonly error: string;
  readonly received: number;
  readonly total: number;
  /** Report for the connection's will. */
  readonly will: StateReport;
}

/**
 * Parses an answer, without its length.
 *
 * @throws Error for anything that the machine may not ask for.
 */
export function parseAnswer(bytes: Uint8Array): JudgeAnswer {
  const reader = new OutputReader(bytes);
  const actions: ReceiverAction[] = [];
  for (let type = reader.letter(); type !== "Z"; type = reader.letter()) actions.push(actionOf(type, reader));
  const [state, error] = [reader.text(), reader.text()];
  const [received, total] = [reader.u32(), reader.u32()];
  const summary = { state, error, received, total, will: parseStateReport(reader.blob()) };
  return { actions, summary, instructions: reader.u64() };
}

class OutputReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes);
  }

  letter(): string {
    return String.fromCharCode(this.#bytes.readUInt8(this.#at++));
  }

  u32(): number {
    this.#at += 4;
    return this.#bytes.readUInt32LE(this.#at - 4);
  }

  u64(): number {
    this.#at += 8;
    return Number(this.#bytes.readBigUInt64LE(this.#at - 8));
  }

  blob(): Uint8Array {
    const length = this.u32();
    this.#at += length;
    return Uint8Array.from(this.#bytes.subarray(this.#at - length, this.#at));
  }

  text(): string {
    return Buffer.from(this.blob()).toString("utf8");
  }
}

function actionOf(type: string, reader: OutputReader): ReceiverAction {
  switch (type) {
    case "s":
      return { type: "subscribe", topic: reader.text() };
    case "u":
      return { type: "unsubscribe", topic: reader.text() };
    case "p": {
      const [topic, payload] = [reader.text(), reader.blob()];
      return { type: "publish", topic, payload, qos: reader.u32() === 0 ? 0 : 1, retain: reader.u32() !== 0 };
    }
    case "t":
      return { type: "set-timer", timer: named(TIMERS, reader.u32()), at: reader.u64() };
    case "c":
      return { type: "clear-timer", timer: named(TIMERS, reader.u32()) };
    case "f":
      return flashActionOf(reader);
    case "w":
      return storeActionOf(reader);
    case "l":
      return { type: "renew-will" };
    case "r":
      return { type: "reboot" };
    case "v":
      return verifyActionOf(reader);
    default:
      throw new Error(`the judge wrote the unknown action ${JSON.stringify(type)}`);
  }
}

function flashActionOf(reader: OutputReader): ReceiverAction {
  const type = named(FLASH_OPERATIONS, reader.u32());
  const [offset, length, bytes] = [reader.u32(), reader.u32(), reader.blob()];
  switch (type) {
    case "read-flash":
      return { type, offset, length };
    case "erase-sector":
      return { type, offset };
    case "program":
      return { type, offset, bytes };
    case "verify-image":
      return { type, length };
    default:
      return { type };
  }
}

function storeActionOf(reader: OutputReader): ReceiverAction {
  const [what, text] = [reader.u32(), reader.text()];
  if (what === Store.record) {
    const record = parseReceiverRecord(text);
    if (record === undefined) throw new Error(`the machine stored a text that is not a record: ${text}`);
    return { type: "store", record };
  }
  const keySet = parseKeySetRecord(text);
  if (keySet === undefined) throw new Error(`the machine stored a text that is not a key set: ${text}`);
  return { type: "store-key-set", keySet };
}

/** Reads a request to verify, and checks what only the C code says: the digest, and where in the SPKI the key is. */
function verifyActionOf(reader: OutputReader): ReceiverAction {
  const kind = named(KINDS, reader.u32());
  const algorithmNumber = reader.u32();
  const [spki, key, payload, digest, signature] = [
    ...[reader.blob(), reader.blob(), reader.blob()],
    ...[reader.blob(), reader.blob()],
  ] as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const algorithm = ALGORITHMS.find(([, value]) => value === algorithmNumber)?.[0];
  if (algorithm === undefined) throw new Error(`the machine used the unknown algorithm ${algorithmNumber}`);
  const signed = Buffer.concat([Buffer.from(`tinybms-ota/${kind}/v1\0`), payload]);
  if (toHex(digest) !== toHex(sha256(Uint8Array.from(signed)))) throw new Error("the digest is not the signed bytes'");
  if (!toHex(spki).endsWith(toHex(key))) throw new Error("the key is not the end of the SPKI");
  return { type: "verify", algorithm, spki, kind, payload, signature };
}

function named<Name>(names: readonly Name[], value: number): Name {
  const name = names[value];
  if (name === undefined) throw new Error(`the machine used the unknown number ${value}`);
  return name;
}
