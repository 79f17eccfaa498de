import { isLoopbackHost } from "@tinybms/ota-core";
import { displayBroker, parseBrokerUrl } from "../mqtt/broker-url.ts";

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
  if (!isLoopbackHost(address.host)) return { url, warning: undefined };
  return { url, warning: `the broker is ${url}: a device would look for it on itself; only simulated ones find it` };
}
