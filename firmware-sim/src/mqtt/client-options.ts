import type { Provisioning } from "@tinybms/ota-core/esp";
import type { IClientOptions } from "mqtt";
import type { SimulatedDevice } from "../device/device.ts";

/** Returns login and certificates of a provisioned device for mqtt.js. */
export function loginOf(provisioning: Provisioning | undefined): IClientOptions {
  if (provisioning === undefined) return {};
  const { broker, username, password, ca_certificate: ca, certificate: cert, private_key: key } = provisioning;
  const login: IClientOptions = {};
  if (username !== undefined) login.username = username;
  if (password !== undefined) login.password = password;
  // mqtt.js encrypts as soon as it gets a certificate, regardless of the URL.
  if (!/^(?:mqtts|wss):/.test(broker)) return login;
  if (cert !== undefined && key !== undefined) Object.assign(login, { cert, key });
  if (ca !== undefined) login.ca = ca;
  return login;
}

/** Returns the current will of a device for mqtt.js, which sends the one in its options at each connect. */
export function willOf({ will }: SimulatedDevice): Pick<IClientOptions, "will"> {
  if (will === undefined) return {};
  return { will: { topic: will.topic, payload: toBuffer(will.payload), qos: 1, retain: true } };
}

/** Returns the same bytes as a `Buffer`, without a copy. */
export function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
