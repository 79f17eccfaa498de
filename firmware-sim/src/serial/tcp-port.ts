import { createServer, type Socket } from "node:net";
import type { HostPort, SerialCable } from "./serial-cable.ts";

/** Where to listen. */
export interface ListenAddress {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

/** A board's serial port on the network. */
export interface NetworkPort {
  readonly port: number;
  /** Ends a connection too. */
  close(): Promise<void>;
}

/** The beginning of a SYNC request on the line: C0, request, SYNC, 36 bytes of data. */
const SYNC_START: readonly number[] = [0xc0, 0x00, 0x08, 0x24, 0x00];

/**
 * Puts a board's serial line on a TCP port, bytes and nothing else: `socket://HOST:PORT` of pySerial and esptool. One
 * host at a time; another is turned away, unless the port becomes free within half a second.
 *
 * Such a connection has no control lines. In their place a SYNC request resets the board into its loader, unless it is
 * there, and without the ROM's log, which would come between request and answer; and the end of the connection resets
 * it out of there, or from an app that the loader has started. Who only listens disturbs nothing.
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
        // An app that a loader started goes back there when it restarts: its boot pin still counts as held.
        const { state, isBootPinLatched } = cable.board;
        if (state === "download" || state === "hung" || isBootPinLatched) cable.pressReset();
        port.close();
      });
    });
  });
}

/** How a connection carries what a port sends. */
export interface PortCarriage {
  /** The bytes as they go over the connection; as they are without it. */
  readonly encode?: (bytes: Uint8Array) => Uint8Array;
  /** The port's rate at first; both ends agree on any without it. */
  readonly baudRate?: number;
}

/**
 * How long a connection waits for the port, in milliseconds. A host that closes the port and opens it again at once may
 * be connected before the end of its first connection is known.
 */
const WAIT_FOR_PORT_MS = 500;

/**
 * Gives a connection the port when it is free: what the board sends goes there, and the port's end ends it. A connection
 * that waits in vain is ended.
 *
 * @param onOpen - Called with the port, unless the connection is ended before.
 */
export function openPort(
  cable: SerialCable,
  socket: Socket,
  { encode = (bytes) => bytes, baudRate }: PortCarriage,
  onOpen: (port: HostPort) => void,
): void {
  socket.setNoDelay(true);
  // A host that vanishes is a port that closes.
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

/** Listens, and gives each connection to `accept`. */
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
