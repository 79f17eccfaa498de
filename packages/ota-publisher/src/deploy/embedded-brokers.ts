import { networkInterfaces } from "node:os";
import type { EmbeddedBroker } from "@tinybms/ota-broker";
import { type BrokerAddress, parseBrokerUrl } from "../mqtt/broker-url.ts";
import { embeddedAddressOf } from "../mqtt/mqtt-channel.ts";

/** Broker in this process, started for the first delivery that needs it. */
export class EmbeddedBrokers {
  readonly #option: string | undefined;
  #broker: EmbeddedBroker | undefined;

  /** @param option - Value of `--broker`. */
  constructor(option: string | undefined) {
    this.#option = option;
  }

  /** Starts the broker unless it is running, and reports the URLs that devices can connect to. */
  async start(onNote: (text: string) => void): Promise<BrokerAddress> {
    if (this.#broker === undefined) {
      const { startEmbeddedBroker } = await import("@tinybms/ota-broker");
      this.#broker = await startEmbeddedBroker(embeddedAddressOf(this.#option));
      for (const url of reachableUrls(this.#broker)) onNote(`devices can connect to ${url}`);
    }
    return parseBrokerUrl(this.#broker.url);
  }

  /** Stops the broker. */
  async close(): Promise<void> {
    await this.#broker?.close();
  }
}

/** Returns the URLs that devices can connect to: for a wildcard address, one for each address of this machine. */
function reachableUrls({ host, port, url }: EmbeddedBroker): readonly string[] {
  if (host !== "0.0.0.0" && host !== "::") return [url];
  const outside = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family }) => !internal && family === "IPv4")
    .map(({ address }) => `mqtt://${address}:${port}`);
  return [url, ...outside];
}
