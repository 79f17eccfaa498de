import { isLoopbackHost } from "@tinybms/ota-core";
import { displayBroker, parseBrokerUrl } from "../mqtt/broker-url.ts";

/** Broker URL for devices. */
export interface DeviceBroker {
  /** URL with port, without user name and password. */
  readonly url: string;
  /** Warning, as a sentence. */
  readonly warning: string | undefined;
}

/**
 * Parses a broker URL and removes user name and password, which are the publisher's.
 *
 * @throws {@link OtaError} `arguments/invalid` if the text is not the URL of a broker.
 */
export function deviceBroker(text: string): DeviceBroker {
  const address = parseBrokerUrl(text);
  const url = `${displayBroker(address)}${address.path === "/" ? "" : address.path}`;
  if (!isLoopbackHost(address.host)) return { url, warning: undefined };
  return {
    url,
    warning: `the broker is ${url}: a device would connect to itself; only simulated devices can reach it`,
  };
}
