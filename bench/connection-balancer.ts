import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** Spreads TCP connections over brokers in turn. Goes on to the next broker if one does not accept. */
export class ConnectionBalancer {
  /** Connections so far, by broker. */
  readonly connections: number[];
  readonly #ports: readonly number[];
  readonly #server: Server = createServer((socket) => this.#forward(socket, this.#next++, 0));
  readonly #sockets = new Set<Socket>();
  #next = 0;

  /** @param urls - URLs of brokers on this machine. */
  constructor(urls: readonly string[]) {
    this.#ports = urls.map((url) => Number(new URL(url).port));
    this.connections = urls.map(() => 0);
  }

  /** Begins to accept connections. @returns URL to connect to. */
  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `mqtt://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #forward(socket: Socket, turn: number, failures: number): void {
    const index = turn % this.#ports.length;
    const broker = connect(this.#ports[index] ?? 0, "127.0.0.1");
    let isConnected = false;
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    broker.on("connect", () => {
      isConnected = true;
      this.connections[index] = (this.connections[index] ?? 0) + 1;
      socket.pipe(broker).pipe(socket);
      socket.on("close", () => broker.destroy());
    });
    broker.on("error", () => undefined);
    broker.on("close", () => {
      if (isConnected || failures === this.#ports.length) socket.destroy();
      else this.#forward(socket, turn + 1, failures + 1);
    });
    socket.on("close", () => this.#sockets.delete(socket));
  }
}
