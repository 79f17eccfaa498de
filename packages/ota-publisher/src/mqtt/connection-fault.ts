import { OtaError } from "@tinybms/ota-core";
import { type BrokerAddress, displayBroker } from "./broker-url.ts";

/** Why an attempt to connect failed, and whether the same attempt can succeed later. */
export interface ConnectionFault {
  readonly error: OtaError<"delivery/broker-unreachable"> | OtaError<"delivery/broker-refused">;
  /** `false`: the broker, or its certificate, would say the same again. */
  readonly transient: boolean;
}

/**
 * What an error of mqtt.js or of the socket below it means.
 *
 * @param address - Named in the message by host and port alone.
 */
export function connectionFault(cause: unknown, address: BrokerAddress): ConnectionFault {
  const { host, port } = address;
  const code = codeOf(cause);
  if (typeof code === "number") {
    const reason = REFUSALS[code] ?? `reason code ${code}`;
    const message = `the broker ${displayBroker(address)} refused the connection: ${reason}`;
    const hint = HINTS_OF_REFUSALS[code];
    const options = hint === undefined ? { cause } : { cause, hint };
    const error = new OtaError("delivery/broker-refused", message, { host, port, reason }, options);
    return { error, transient: TRANSIENT_REFUSALS.includes(code) };
  }
  const isCertificate = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/.test(code);
  const message = `the broker ${displayBroker(address)} can't be reached: ${reasonOf(code, cause)}`;
  const hint = isCertificate
    ? "on a bench, `insecure: true` in the channel skips the check of the certificate"
    : "is it running, and are host and port right? --broker embedded starts one in this process";
  return {
    error: new OtaError("delivery/broker-unreachable", message, { host, port }, { cause, hint }),
    transient: !isCertificate,
  };
}

/** Reasons of CONNACK: MQTT 3.1.1 section 3.2.2.3 (1 to 5) and MQTT 5.0 section 3.2.2.2 (128 and above). */
const REFUSALS: Readonly<Record<number, string>> = {
  1: "it does not speak MQTT 3.1.1",
  2: "it does not take the client identifier",
  3: "it is not ready",
  4: "wrong user name or password",
  5: "not authorized",
  132: "it does not speak this version of MQTT",
  133: "it does not take the client identifier",
  134: "wrong user name or password",
  135: "not authorized",
  136: "it is not ready",
  137: "it is busy",
  138: "this client is banned",
};

/** Not ready, busy, quota exceeded, rate exceeded. */
const TRANSIENT_REFUSALS: readonly number[] = [3, 136, 137, 151, 159];

const CREDENTIALS = "set username and password of the mqtt channel, or in the URL of --broker";

const HINTS_OF_REFUSALS: Readonly<Record<number, string>> = {
  2: "set client_id of the mqtt channel",
  4: CREDENTIALS,
  5: CREDENTIALS,
  134: CREDENTIALS,
  135: CREDENTIALS,
};

/** The number of a CONNACK, or the name of a socket's or TLS error; empty for any other. */
function codeOf(cause: unknown): number | string {
  if (!(cause instanceof Error) || !("code" in cause)) return "";
  return typeof cause.code === "number" ? cause.code : String(cause.code);
}

function reasonOf(code: string, cause: unknown): string {
  const known = SOCKET_REASONS[code];
  if (known !== undefined) return known;
  if (code !== "") return code;
  if (!(cause instanceof Error)) return String(cause);
  return cause.message === "connack timeout" ? "it takes the connection, but does not answer" : cause.message;
}

const SOCKET_REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "its certificate has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is signed by itself",
  EAI_AGAIN: "the name server does not answer",
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "it closed the connection",
  EHOSTUNREACH: "no way leads to the host",
  ENETUNREACH: "no way leads to its network",
  ENOTFOUND: "there is no host of that name",
  EPIPE: "it closed the connection",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another host",
  ETIMEDOUT: "no answer",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate's issuer is not known here",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate's issuer is not known here",
};
