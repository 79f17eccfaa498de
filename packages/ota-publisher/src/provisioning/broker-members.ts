import { displayBroker, parseBrokerUrl } from "../mqtt/broker-url.ts";

/** Names by which every machine finds itself. */
const LOCAL_HOSTS: readonly string[] = ["localhost", "127.0.0.1", "::1"];

/** A broker as devices are told it. */
export interface DeviceBroker {
  /** Without user name and password, with the port. */
  readonly url: string;
  /** What a user should know, as a sentence. */
  readonly warning: string | undefined;
}

/**
 * The URL of a broker for devices. User name and password in it are the publisher's, and go to no device.
 *
 * @throws OtaError `arguments/invalid` for what is no URL of a broker.
 */
export function deviceBroker(text: string): DeviceBroker {
  const address = parseBrokerUrl(text);
  const url = `${displayBroker(address)}${address.path === "/" ? "" : address.path}`;
  if (!LOCAL_HOSTS.includes(address.host)) return { url, warning: undefined };
  return { url, warning: `the broker is ${url}: a device would look for it on itself; only simulated ones find it` };
}
