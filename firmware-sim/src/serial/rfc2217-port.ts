import { ComPortServer } from "./com-port-server.ts";
import type { SerialCable } from "./serial-cable.ts";
import { type ListenAddress, listen, type NetworkPort, openPort } from "./tcp-port.ts";

/** Default baud rate of a serial port. */
const DEFAULT_BAUD_RATE = 115_200;

/**
 * Serves a board's serial port with control lines and baud rate on a TCP port, for `rfc2217://HOST:PORT` in pySerial and
 * esptool. Accepts one host at a time.
 */
export function listenOnRfc2217(cable: SerialCable, address: ListenAddress): Promise<NetworkPort> {
  return listen(address, (socket) => {
    const server = new ComPortServer();
    const carriage = { encode: (bytes: Uint8Array) => server.send(bytes), baudRate: DEFAULT_BAUD_RATE };
    openPort(cable, socket, carriage, (port) => {
      socket.on("data", (bytes) => {
        for (const action of server.receive(bytes)) {
          if (action.type === "answer") socket.write(action.bytes);
          else if (action.type === "write") port.write(action.bytes);
          else if (action.type === "signals") port.setSignals(action.signals);
          else port.setBaudRate(action.baudRate);
        }
      });
      socket.on("close", () => port.close());
    });
  });
}
