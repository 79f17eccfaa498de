import { connect, type Socket } from "node:net";
import type { OtaError } from "@tinybms/ota-core";
import { portBusy, portLost, portUnserved, portUnusable } from "../line/port-faults.ts";
import { elapse, ReceiveBuffer } from "../line/receive-buffer.ts";
import type { SerialLine } from "../line/serial-line.ts";

/** Host and TCP port of a network port. */
export interface NetworkAddress {
  readonly host: string;
  readonly port: number;
}

/** Time limit for connecting, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Time limit for the other end to close the connection, in milliseconds. */
const CLOSE_TIMEOUT_MS = 1000;

/**
 * Connects to a serial port over TCP, `socket://HOST:PORT`: bytes only, without control lines and baud rate.
 *
 * @throws {@link OtaError} `serial/port-not-found`.
 * @throws {@link OtaError} `serial/port-unusable`.
 */
export async function openSocketLine(address: NetworkAddress): Promise<SerialLine> {
  const name = `socket://${address.host}:${address.port}`;
  return new SocketLine(await connectTo(address, name), name);
}

/**
 * Connects to a TCP server.
 *
 * @param name - Name of the port, for messages.
 * @throws {@link OtaError} `serial/port-not-found`.
 * @throws {@link OtaError} `serial/port-unusable`.
 */
export function connectTo({ host, port }: NetworkAddress, name: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error("no connection within 10 s")));
    socket.once("error", (cause: NodeJS.ErrnoException) => {
      const isAbsent = cause.code === "ECONNREFUSED" || cause.code === "ENOTFOUND";
      reject(isAbsent ? portUnserved(name, cause) : portUnusable(name, cause.message, cause));
    });
    socket.once("connect", () => {
      socket.setTimeout(0);
      socket.removeAllListeners("error");
      resolve(socket);
    });
  });
}

/** Common part of both lines over TCP. */
export abstract class NetworkLine {
  readonly port: string;
  readonly usb = undefined;
  readonly canSetSignalsTogether = false;
  protected readonly socket: Socket;
  protected readonly received: ReceiveBuffer = new ReceiveBuffer();

  constructor(socket: Socket, name: string) {
    this.port = name;
    this.socket = socket;
    socket.on("data", (bytes) => this.take(bytes));
    socket.on("error", (cause) => this.end(endOf(socket, name, cause)));
    socket.on("close", () => this.end(endOf(socket, name)));
  }

  /** Writes bytes without escaping. */
  write(bytes: Uint8Array): Promise<void> {
    return writeTo(this.socket, bytes, this.received);
  }

  read(timeoutMs: number): Promise<Uint8Array> {
    return this.received.take(timeoutMs);
  }

  wait(ms: number): Promise<void> {
    return elapse(ms);
  }

  now(): number {
    return performance.now();
  }

  close(): Promise<void> {
    return closeSocket(this.socket);
  }

  protected take(bytes: Uint8Array): void {
    this.received.push(bytes);
  }

  protected end(fault: Error): void {
    this.received.fail(fault);
  }
}

class SocketLine extends NetworkLine implements SerialLine {
  readonly hasSignals = false;
  readonly hasBaudRate = false;

  async setSignals(): Promise<void> {}

  async setBaudRate(): Promise<void> {}
}

/** Creates the error for a connection that ended. If no byte ever arrived, the server had refused the client. */
function endOf(socket: Socket, name: string, cause?: Error): OtaError {
  return socket.bytesRead === 0 ? portBusy(name, cause) : portLost(name, cause);
}

/** Writes to a socket. Rejects with the fault of `received` if the connection has ended. */
async function writeTo(socket: Socket, bytes: Uint8Array, received: ReceiveBuffer): Promise<void> {
  received.assertSound();
  await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
  received.assertSound();
}

/** Closes a connection and waits until the other end has closed it too, so that the server accepts the next client. */
function closeSocket(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) {
      resolve();
      return;
    }
    socket.once("close", () => resolve());
    socket.setTimeout(CLOSE_TIMEOUT_MS, () => socket.destroy());
    socket.end();
  });
}
