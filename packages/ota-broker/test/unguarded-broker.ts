import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { Aedes } from "aedes";

/** aedes as it comes, over TCP: what the embedded broker is measured against. */
export async function startUnguardedBroker(): Promise<{
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}> {
  const aedes = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    aedes.handle(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  return {
    url: `mqtt://127.0.0.1:${port}`,
    port,
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
    },
  };
}
