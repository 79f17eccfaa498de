import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";

const CHILD = fileURLToPath(new URL("attacked-in-child.ts", import.meta.url));
const MIB = 1024 * 1024;

/** CONNACK of MQTT 3.1.1, then a PUBLISH on "t" that announces 256 MB. */
const GREETING = Uint8Array.from([0x20, 2, 0, 0, 0x30, 0xff, 0xff, 0xff, 0x7f, 0, 1, 0x74]);

/** Connections that are attacked, and how much each would be sent. */
const ATTACKS = 4;
const FLOOD_SIZE = 60 * MIB;

let child: ChildProcess | undefined;
let server: Server | undefined;

afterEach(() => {
  child?.kill("SIGKILL");
  server?.close();
});

async function flood(socket: Socket): Promise<void> {
  const piece = new Uint8Array(256 * 1024);
  while (!socket.destroyed && socket.bytesWritten < FLOOD_SIZE) {
    if (!socket.write(piece)) await Promise.race([once(socket, "drain"), once(socket, "close")]).catch(() => undefined);
  }
}

test("an endless message from a broker grows the publisher's process by less than 32 MiB", async () => {
  let attacks = 0;
  const attacked = new Promise<void>((resolve) => {
    server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => {
        socket.write(GREETING);
        void flood(socket).then(() => {
          attacks++;
          if (attacks === ATTACKS) resolve();
        });
      });
    }).listen(0, "127.0.0.1");
  });
  await once(server!, "listening");
  const { port } = server!.address() as { port: number };
  const args = ["--conditions=@tinybms/source", CHILD, `mqtt://127.0.0.1:${port}`];
  child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe("ready");
  await attacked;
  child.stdin!.end();
  expect(Number((await lines.next()).value)).toBeLessThan(32 * MIB);
});
