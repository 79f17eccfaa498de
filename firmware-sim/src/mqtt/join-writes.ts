import type { MqttClient } from "mqtt";

/** Holds back what a client writes while it handles one read, so that its acknowledgements leave in one write. */
export function joinWrites(client: MqttClient): void {
  let isHeld = false;
  client.on("packetreceive", () => {
    if (isHeld) return;
    isHeld = true;
    const { stream } = client;
    stream.cork();
    setImmediate(() => {
      isHeld = false;
      stream.uncork();
    });
  });
}
