import { OtaError } from "@tinybms/ota-core";
import { type BrokerAddress, displayBroker } from "./broker-url.ts";

/** Why an attempt to connect failed, and whether the same attempt can succeed later. */
export interface ConnectionFault {
  readonly error: OtaError<"delivery/broker-unreachable"> | OtaError<"delivery/broker-refused">;
  /** `false`: the broker, or its certificate, would say the same again. */
  readonly transient: boolean;
  /** A broker that is too old for MQTT 5 would end an attempt to speak it like this. */
  readonly mayWantOlder: boolean;
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
    return { error, transient: TRANSIENT_REFUSALS.includes(code), mayWantOlder: OTHER_VERSION.includes(code) };
  }
  const isCertificate = /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS/.test(code);
  const message = `the broker ${displayBroker(address)} can't be reached: ${reasonOf(code, cause)}`;
  return {
    error: new OtaError(
      "delivery/broker-unreachable",
      message,
      { host, port },
      { cause, hint: hintOf(code, isCertificate) },
    ),
    transient: !isCertificate,
    mayWantOlder: ["", "ECONNRESET", "EPIPE"].includes(code),
  };
}

/** What a reason code of MQTT 5 above 127 means, in PUBACK, PUBREC, PUBCOMP or DISCONNECT (MQTT 5.0 section 2.4). */
export function reasonOfCode(code: number): string {
  return MESSAGE_REFUSALS[code] ?? REFUSALS[code] ?? `reason code ${code}`;
}

const MESSAGE_REFUSALS: Readonly<Record<number, string>> = {
  131: "it can't do this",
  139: "it is shutting down",
  141: "it has not heard from us within the keep-alive time",
  142: "another client came with the same client identifier",
  144: "it does not take the topic",
  149: "the message is too large",
  150: "too many messages",
  151: "a quota is used up",
  152: "somebody ended the connection there",
  153: "the message is not in the format that it wants",
  154: "it retains no messages",
  155: "it does not take this quality of service",
};

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

const OTHER_VERSION: readonly number[] = [1, 132];

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

function hintOf(code: string, isCertificate: boolean): string {
  if (CLIENT_CERTIFICATE.test(code))
    return "`cert` and `key` of the mqtt channel name the files of a certificate that it takes";
  if (isCertificate) {
    return "`ca` of the mqtt channel names the file of an issuer to trust; on a bench, `insecure: true` with --allow-insecure skips the check";
  }
  return "is it running, and are host and port right? --broker embedded starts one in this process";
}

/** TLS alerts by which a server says what it thinks of our certificate (RFC 8446 section 6.2), as OpenSSL names them. */
const CLIENT_CERTIFICATE = /^ERR_SSL_.*(?:CERTIFICATE_REQUIRED|ALERT_.*CERTIFICATE|ALERT_UNKNOWN_CA)/;

/** The number of a CONNACK, or the name of a socket's or TLS error; empty for any other. */
function codeOf(cause: unknown): number | string {
  if (!(cause instanceof Error) || !("code" in cause)) return "";
  return typeof cause.code === "number" ? cause.code : String(cause.code);
}

function reasonOf(code: string, cause: unknown): string {
  if (cause instanceof OtaError) return cause.message;
  const known = SOCKET_REASONS[code];
  if (known !== undefined) return known;
  if (CLIENT_CERTIFICATE.test(code)) return "it wants another client certificate than it got, or any";
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
