import { ComPortServer } from "./com-port-server.ts";
import type { SerialCable } from "./serial-cable.ts";
import { type ListenAddress, listen, type NetworkPort, openPort } from "./tcp-port.ts";

/** The rate of a serial port that nobody set. */
const DEFAULT_BAUD_RATE = 115_200;

/**
 * Puts a board's serial port on a TCP port with its control lines and its baud rate: `rfc2217://HOST:PORT` of pySerial and
 * esptool. One host at a time; another is turned away.
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
