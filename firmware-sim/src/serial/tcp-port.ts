import { createServer, type Socket } from "node:net";
import type { HostPort, SerialCable } from "./serial-cable.ts";

/** Address to listen on. */
export interface ListenAddress {
  readonly host: string;
  /** Port number; 0 picks a free one. */
  readonly port: number;
}

/** A board's serial port on the network. */
export interface NetworkPort {
  readonly port: number;
  /** Stops listening and closes connections. */
  close(): Promise<void>;
}

/** First bytes of a SYNC request on the line: C0, request, SYNC, 36 bytes of data. */
const SYNC_START: readonly number[] = [0xc0, 0x00, 0x08, 0x24, 0x00];

/**
 * Serves a board's serial line on a TCP port as plain bytes, for `socket://HOST:PORT` in pySerial and esptool. Accepts one
 * host at a time. Another is disconnected unless the port becomes free within half a second.
 *
 * Such a connection has no control lines. Instead, a SYNC request resets the board into its loader (unless it is there
 * already) without the ROM's log, which would come between request and answer. The end of the connection resets the board
 * out of the loader, or from an app that the loader started. A connection that only listens changes nothing.
 */
export function listenOnTcp(cable: SerialCable, address: ListenAddress): Promise<NetworkPort> {
  return listen(address, (socket) => {
    openPort(cable, socket, {}, (port) => {
      socket.on("data", (bytes) => {
        const isSync = SYNC_START.every((byte, index) => bytes[index] === byte);
        if (isSync && cable.board.state !== "download") cable.enterLoader();
        port.write(bytes);
      });
      socket.on("close", () => {
        // An app started by the loader would restart into the loader, because its boot pin still counts as held.
        const { state, isBootPinLatched } = cable.board;
        if (state === "download" || state === "hung" || isBootPinLatched) cable.pressReset();
        port.close();
      });
    });
  });
}

/** How a connection carries the bytes of a port. */
export interface PortCarriage {
  /** Encodes bytes for the connection; by default they are unchanged. */
  readonly encode?: (bytes: Uint8Array) => Uint8Array;
  /** Initial baud rate; without it both ends agree on any rate. */
  readonly baudRate?: number;
}

/**
 * How long a connection waits for the port, in milliseconds. A host that closes and reopens the port may connect before
 * the end of its first connection is known.
 */
const WAIT_FOR_PORT_MS = 500;

/**
 * Opens the port for a connection when it is free, and sends the board's bytes there. Closes the connection when the port
 * ends or does not become free in time.
 *
 * @param onOpen - Called with the port, unless the connection ends before.
 */
export function openPort(
  cable: SerialCable,
  socket: Socket,
  { encode = (bytes) => bytes, baudRate }: PortCarriage,
  onOpen: (port: HostPort) => void,
): void {
  socket.setNoDelay(true);
  // A connection error closes the port like a normal end.
  socket.on("error", () => socket.destroy());
  const open = (): void => {
    clearTimeout(timer);
    if (socket.destroyed) return;
    const listener = { onData: (bytes: Uint8Array) => socket.write(encode(bytes)), onClose: () => socket.destroy() };
    onOpen(cable.open(listener, baudRate));
  };
  let timer: NodeJS.Timeout | undefined;
  if (cable.isFree) open();
  else if (cable.isPlugged) {
    const stopWaiting = cable.whenFree(open);
    timer = setTimeout(() => socket.destroy(), WAIT_FOR_PORT_MS);
    socket.on("close", () => {
      clearTimeout(timer);
      stopWaiting();
    });
  } else socket.destroy();
}

/** Listens on an address and passes each connection to `accept`. */
export function listen(address: ListenAddress, accept: (socket: Socket) => void): Promise<NetworkPort> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    accept(socket);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(address.port, address.host, () => {
      server.off("error", reject);
      const bound = server.address();
      const close = () =>
        new Promise<void>((done) => {
          server.close(() => done());
          for (const socket of sockets) socket.destroy();
        });
      resolve({ port: typeof bound === "object" && bound !== null ? bound.port : address.port, close });
    });
  });
}
