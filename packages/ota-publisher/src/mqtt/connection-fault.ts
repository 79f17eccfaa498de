import { OtaError } from "@tinybms/ota-core";
import { type SocketFault, socketFaultOf } from "../network/socket-fault.ts";
import { type TlsSettings, tlsFaultOf } from "../network/tls-fault.ts";
import type { AnnouncedLimits } from "./announced-limits.ts";
import { type BrokerAddress, displayBroker } from "./broker-url.ts";

/** Fault of an attempt to connect. */
export interface ConnectionFault {
  readonly error: OtaError<"delivery/broker-unreachable"> | OtaError<"delivery/broker-refused">;
  /** `true` if the same attempt may succeed later. */
  readonly transient: boolean;
  /** `true` if a broker without MQTT 5 may have caused the fault. */
  readonly mayWantOlder: boolean;
}

/**
 * Creates the fault for an error of mqtt.js or of its socket.
 *
 * @param address - Broker. The message contains only its host and port.
 */
export function connectionFault(cause: unknown, address: BrokerAddress): ConnectionFault {
  const { host, port } = address;
  const code = codeOf(cause);
  if (typeof code === "number") {
    const reason = REFUSALS[code] ?? `reason code ${code}`;
    const message = `the broker ${displayBroker(address)} refused the connection: ${reason}`;
    const hint = HINTS_OF_REFUSALS[code];
    const error = new OtaError("delivery/broker-refused", message, { host, port, reason }, { cause, hint });
    return { error, transient: TRANSIENT_REFUSALS.includes(code), mayWantOlder: OTHER_VERSION.includes(code) };
  }
  const tls = tlsFaultOf(code, cause instanceof Error ? cause.message : "", TLS_SETTINGS);
  const { reason, hint } = tls ?? socketFault(code, cause, address);
  const message = `the broker ${displayBroker(address)} can't be reached: ${reason}`;
  return {
    error: new OtaError("delivery/broker-unreachable", message, { host, port }, { cause, hint }),
    transient: tls === undefined,
    mayWantOlder: ["", "ECONNRESET", "EPIPE"].includes(code),
  };
}

/** Describes a reason code above 127 in PUBACK, PUBREC, PUBCOMP or DISCONNECT (MQTT 5.0 section 2.4). */
export function reasonOfCode(code: number): string {
  return MESSAGE_REFUSALS[code] ?? REFUSALS[code] ?? `reason code ${code}`;
}

const MESSAGE_REFUSALS: Readonly<Record<number, string>> = {
  131: "it does not support this",
  139: "it is shutting down",
  141: "it received nothing within the keep-alive time",
  142: "another client connected with the same client identifier",
  144: "it does not accept the topic",
  149: "the message is too large",
  150: "too many messages",
  151: "a quota is used up",
  152: "an administrator ended the connection",
  153: "the message does not have the stated format",
  154: "it retains no messages",
  155: "it does not accept this quality of service",
};

/** Reasons of CONNACK: MQTT 3.1.1 section 3.2.2.3 (1 to 5) and MQTT 5.0 section 3.2.2.2 (128 and above). */
const REFUSALS: Readonly<Record<number, string>> = {
  1: "it does not speak MQTT 3.1.1",
  2: "it does not accept the client identifier",
  3: "it is not ready",
  4: "wrong user name or password",
  5: "not authorized",
  132: "it does not speak this version of MQTT",
  133: "it does not accept the client identifier",
  134: "wrong user name or password",
  135: "not authorized",
  136: "it is not ready",
  137: "it is busy",
  138: "this client is banned",
  151: "a quota is used up",
};

const OTHER_VERSION: readonly number[] = [1, 132];

/** Not ready, busy, rate exceeded. */
const TRANSIENT_REFUSALS: readonly number[] = [3, 136, 137, 159];

const CREDENTIALS = "set username and password of the mqtt channel, or in the URL of --broker";

const HINTS_OF_REFUSALS: Readonly<Record<number, string>> = {
  2: "set client_id of the mqtt channel",
  133: "set client_id of the mqtt channel",
  4: CREDENTIALS,
  5: CREDENTIALS,
  134: CREDENTIALS,
  135: `${CREDENTIALS}; the broker's access control must let the publisher use the channel's topics`,
  142: "set client_id of the mqtt channel to one that no other client uses",
  149: "raise the broker's limit (Mosquitto: max_packet_size); a delivery needs 20 000 bytes, and 16 per 4 KiB of the image",
  151: "raise the broker's quota for this user, or remove connections and retained messages that are no longer needed",
  154: "turn on retained messages (Mosquitto: retain_available true): devices that connect later need them to find the offer",
  155: "allow QoS 1 (Mosquitto: max_qos 1 or 2): offers and reports need acknowledgements",
};

/** Reason codes of DISCONNECT that the next connection would get again (MQTT 5.0 section 3.14.2.1). */
const FINAL_REASONS: readonly number[] = [135, 142, 149, 151, 154, 155];

/**
 * Creates the error for a reason code that the next connection would get again.
 *
 * @param code - Reason code of DISCONNECT.
 * @returns `undefined` if another connection may succeed.
 */
export function finalReason(code: number | undefined, address: BrokerAddress): ConnectionFault["error"] | undefined {
  return code !== undefined && FINAL_REASONS.includes(code) ? refusalOf(code, reasonOfCode(code), address) : undefined;
}

/** Largest values that a publisher has sent so far. */
export interface BrokerDemands {
  /** Size of the largest packet, in bytes. */
  readonly packetSize: number;
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

/** Creates the error for a publisher that exceeds the limits in the broker's CONNACK (MQTT 5.0 section 3.2.2.3). */
export function limitFault(
  limits: Pick<AnnouncedLimits, "packetSizeMax" | "qosMax" | "canRetain">,
  demands: BrokerDemands,
  address: BrokerAddress,
): ConnectionFault["error"] | undefined {
  const { packetSizeMax = Number.POSITIVE_INFINITY, qosMax, canRetain } = limits;
  if (demands.packetSize > packetSizeMax) {
    const reason = `it accepts packets of at most ${packetSizeMax} bytes; this one has ${demands.packetSize}`;
    return refusalOf(149, reason, address);
  }
  if (demands.retain && !canRetain) return refusalOf(154, reasonOfCode(154), address);
  return demands.qos > qosMax ? refusalOf(155, reasonOfCode(155), address) : undefined;
}

function refusalOf(code: number, reason: string, address: BrokerAddress): OtaError<"delivery/broker-refused"> {
  const { host, port } = address;
  const hint = HINTS_OF_REFUSALS[code];
  const message = `the broker ${displayBroker(address)} refused: ${reason}`;
  return new OtaError("delivery/broker-refused", message, { host, port, reason }, { hint });
}

const TLS_SETTINGS: TlsSettings = {
  url: "the broker's URL",
  channel: "the mqtt channel",
  unchecked: "insecure: true",
  plainScheme: "mqtt",
};

/** Returns the code of a CONNACK, or of a socket or TLS error; otherwise the empty string. */
function codeOf(cause: unknown): number | string {
  if (!(cause instanceof Error) || !("code" in cause)) return "";
  return typeof cause.code === "number" ? cause.code : String(cause.code);
}

function socketFault(code: string, cause: unknown, { protocol }: BrokerAddress): SocketFault {
  // An error of the packet guard: the first bytes are not MQTT.
  if (cause instanceof OtaError)
    return { reason: cause.message, hint: "check that an MQTT broker listens on that port" };
  const known = socketFaultOf(code, TLS_SETTINGS.url);
  if (code === "ECONNREFUSED" && known !== undefined) {
    return { ...known, hint: `${known.hint} --broker embedded starts one in this process` };
  }
  if (known !== undefined) return known;
  const text = cause instanceof Error ? cause.message : String(cause);
  const status = /^Unexpected server response: (\d+)/.exec(text)?.[1];
  if (status !== undefined) {
    const path = "the broker's URL must name the path of its WebSocket, such as /mqtt";
    return { reason: `it answered HTTP ${status} instead of opening a WebSocket`, hint: path };
  }
  if (/^connack timeout|before the connection was established/.test(text)) {
    return { reason: "it does not answer", hint: `${REACHABLE}, and that it expects ${protocol}://` };
  }
  if (code === "ECONNRESET" || code === "EPIPE" || text === "it closed the connection") {
    const isTls = protocol === "mqtts" || protocol === "wss";
    const why = isTls
      ? "it may require another client certificate (`cert` and `key` of the mqtt channel)"
      : "it may speak TLS on that port";
    return { reason: "it closed the connection", hint: `${why}; check its log` };
  }
  return { reason: code === "" ? text : code, hint: REACHABLE };
}

const REACHABLE = "check that it is running, and check host and port";
