import type { NetworkStatus } from "@tinybms/ota-core";
import type { MqttClient } from "mqtt";

/**
 * Watches how far attempts to connect get. A device needs it for the probation of an image: while the way to the broker
 * works, a broker that does not accept the device is not the image's fault.
 *
 * @param onStatus - Called with `up` when a TCP connection stands, and with `broker-refused` when CONNACK refuses it.
 */
export function watchNetwork(client: MqttClient, onStatus: (status: NetworkStatus) => void): void {
  const watchStream = (): void => {
    client.stream.once("connect", () => onStatus("up"));
  };
  watchStream();
  // mqtt.js makes the stream of the next attempt right after it emits this.
  client.on("reconnect", () => queueMicrotask(watchStream));
  client.on("error", (error) => {
    // The code of CONNACK is a number, those of sockets are text.
    if ("code" in error && typeof error.code === "number") onStatus("broker-refused");
  });
}
