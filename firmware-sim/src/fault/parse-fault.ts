import { OtaError } from "@tinybms/ota-core";
import { assertCutPlan } from "../flash/cut-plan.ts";
import {
  DELAY_MS,
  type Fault,
  LINE_DIRECTIONS,
  type LineFault,
  MESSAGE_KINDS,
  type MessageFault,
  OFF_MS,
  type PowerCutFault,
  type SelfTestFault,
  STALL_MS,
} from "./fault.ts";

/** Grammar of a fault on a command line. */
export const FAULT_GRAMMAR = `DEVICE:FAULT[=VALUE][,KEY=VALUE]..., where DEVICE is a name, a prefix followed by *, or *, and FAULT one of
  power-cut@operation=N[,moment=before|during|after][,variant=TEAR][,seed=N][,offMs=N]
  power-cut@at=50%[,moment=...]
  self-test=fail|hang|pass[,version=V][,sha256=HEX]
  lose|duplicate|delay=offer|hashes|chunk|request|state|any[,probability=0.1][,delayMs=N]
  line-lose|line-flip|line-insert|line-stall|line-unplug=to-board|to-host,atByte=N|probability=P[,stallMs=N]`;

const MOMENTS = ["before", "during", "after"] as const;
const OUTCOMES = ["pass", "fail", "hang"] as const;
const MESSAGE_FAULTS = ["lose", "duplicate", "delay"] as const;
const LINE_FAULTS = ["line-lose", "line-flip", "line-insert", "line-stall", "line-unplug"] as const;
const TYPES = ["power-cut", "self-test", ...MESSAGE_FAULTS, ...LINE_FAULTS] as const;

/** Members of a fault, by name. */
type Fields = Map<string, unknown>;

/**
 * Parses a fault in its inline form, for example `bench-2:power-cut@operation=1500,moment=during` or
 * `*:lose=chunk,probability=0.1`.
 *
 * @throws {@link OtaError} `simulation/invalid-fault`, with the grammar as its hint.
 */
export function parseFault(text: string): Fault {
  const match = /^([A-Za-z0-9._-]*\*?):([a-z-]+)(?:[@=,](.*))?$/.exec(text);
  const [, device = "", type = "", rest = ""] = match ?? [];
  if (device === "") throw invalid(text, "no device before the colon");
  const fields: Fields = new Map<string, unknown>([
    ["device", device],
    ["type", type],
  ]);
  for (const [index, part] of rest.split(",").entries()) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    // The value after the fault's name has no key: `self-test=fail`, `lose=chunk`.
    const key = equals === -1 && index === 0 ? mainKeyOf(type) : part.slice(0, Math.max(equals, 0));
    if (key === "" || fields.has(key)) throw invalid(text, `${JSON.stringify(part)} is not KEY=VALUE, or comes twice`);
    fields.set(key, part.slice(equals + 1));
  }
  return readFault(fields, text);
}

/**
 * Parses faults from their JSON form: one fault or a list. The members are those of {@link Fault}.
 *
 * @throws {@link OtaError} `simulation/invalid-fault`, with the grammar as its hint.
 */
export function parseFaultsJson(text: string): readonly Fault[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new OtaError("simulation/invalid-fault", "the faults are not JSON", { fault: "" }, { cause });
  }
  return (Array.isArray(value) ? value : [value]).map((fault: unknown) => {
    const shown = JSON.stringify(fault);
    if (typeof fault !== "object" || fault === null) throw invalid(shown, "it is not a JSON object");
    return readFault(new Map(Object.entries(fault)), shown);
  });
}

function readFault(fields: Fields, shown: string): Fault {
  const read = new FieldReader(fields, shown);
  const device = read.text("device") ?? "";
  if (device === "") throw invalid(shown, "device is missing");
  const found = readFaultOf(read.oneOf("type", TYPES), read, device);
  read.assertAllUsed();
  return found;
}

function readFaultOf(type: (typeof TYPES)[number], read: FieldReader, device: string): Fault {
  switch (type) {
    case "power-cut":
      return readPowerCut(read, device);
    case "self-test":
      return readSelfTest(read, device);
    case "lose":
    case "duplicate":
    case "delay":
      return readMessageFault(read, device, type);
    default:
      return readLineFault(read, device, type);
  }
}

function readPowerCut(read: FieldReader, device: string): PowerCutFault {
  const operation = read.number("operation");
  const at = read.number("at", 0, 1);
  if ((operation === undefined) === (at === undefined)) throw read.invalid("it needs either operation or at");
  const variant = read.text("variant");
  const seed = read.number("seed");
  const fault: PowerCutFault = {
    type: "power-cut",
    device,
    operation,
    at,
    moment: read.oneOf("moment", MOMENTS, "during"),
    variant,
    seed,
    offMs: read.number("offMs", 0) ?? OFF_MS,
  };
  const { moment } = fault;
  assertCutPlan({ operation: operation ?? 1, moment, variant });
  return fault;
}

function readSelfTest(read: FieldReader, device: string): SelfTestFault {
  const version = read.text("version");
  const sha256 = read.text("sha256");
  return {
    type: "self-test",
    device,
    outcome: read.oneOf("outcome", OUTCOMES),
    version,
    sha256,
  };
}

function readMessageFault(read: FieldReader, device: string, type: MessageFault["type"]): MessageFault {
  const message = read.oneOf("message", MESSAGE_KINDS, "any");
  const probability = read.number("probability", 0, 1) ?? 0.1;
  const delayMs = read.number("delayMs", 0) ?? DELAY_MS;
  return { type, device, message, probability, ...(type === "delay" ? { delayMs } : {}) };
}

function readLineFault(read: FieldReader, device: string, type: LineFault["type"]): LineFault {
  const atByte = read.number("atByte", 1);
  const probability = read.number("probability", 0, 1);
  if ((atByte === undefined) === (probability === undefined)) {
    throw read.invalid("it needs either atByte or probability");
  }
  return {
    type,
    device,
    direction: read.oneOf("direction", LINE_DIRECTIONS),
    atByte,
    probability,
    ...(type === "line-stall" ? { stallMs: read.number("stallMs", 0) ?? STALL_MS } : {}),
  };
}

/** Reads members with their types. Members left unread are mistakes. */
class FieldReader {
  readonly #fields: Fields;
  readonly #unused: Set<string>;
  readonly #shown: string;

  constructor(fields: Fields, shown: string) {
    this.#fields = fields;
    this.#unused = new Set(fields.keys());
    this.#shown = shown;
  }

  text(key: string): string | undefined {
    const value = this.#take(key);
    if (value === undefined) return undefined;
    if (typeof value === "object") throw this.invalid(`${key} must be text`);
    return String(value);
  }

  number(key: string, min = -Infinity, max = Infinity): number | undefined {
    const value = toNumber(this.#take(key));
    if (value === undefined) return undefined;
    if (typeof value === "number" && value >= min && value <= max) return value;
    throw this.invalid(`${key} is ${JSON.stringify(value)}; it must be a number${rangeOf(min, max)}`);
  }

  oneOf<Choice extends string>(key: string, choices: readonly Choice[], otherwise?: Choice): Choice {
    const value = this.#take(key) ?? otherwise;
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    throw this.invalid(`${key} is ${JSON.stringify(value) ?? "missing"}; it must be one of ${choices.join(", ")}`);
  }

  assertAllUsed(): void {
    const [unknown] = this.#unused;
    if (unknown !== undefined) throw this.invalid(`${JSON.stringify(unknown)} is not a member of this fault`);
  }

  invalid(why: string): OtaError<"simulation/invalid-fault"> {
    return invalid(this.#shown, why);
  }

  #take(key: string): unknown {
    this.#unused.delete(key);
    return this.#fields.get(key);
  }
}

function mainKeyOf(type: string): string {
  if (type === "power-cut") return "operation";
  if (type.startsWith("line-")) return "direction";
  return type === "self-test" ? "outcome" : "message";
}

/** Converts the text of a number, as inline faults have it; `50%` is 0.5. */
function toNumber(value: unknown): unknown {
  if (typeof value !== "string") return value;
  const match = /^(-?\d+(?:\.\d+)?)(%?)$/.exec(value);
  if (match === null) return value;
  return match[2] === "%" ? Number(match[1]) / 100 : Number(match[1]);
}

function rangeOf(min: number, max: number): string {
  if (max !== Infinity) return ` from ${min} to ${max}`;
  return min === -Infinity ? "" : ` of ${min} or more`;
}

function invalid(fault: string, why: string): OtaError<"simulation/invalid-fault"> {
  const hint = `the format of a fault is ${FAULT_GRAMMAR}`;
  return new OtaError("simulation/invalid-fault", `fault ${JSON.stringify(fault)}: ${why}`, { fault }, { hint });
}
