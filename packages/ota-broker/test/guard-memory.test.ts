import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";

const CHILD = fileURLToPath(new URL("attacked-broker-in-child.ts", import.meta.url));
const MIB = 1024 * 1024;

/** What memory may grow by under an attack. */
const GROWTH_MAX = 32 * MIB;

/** What a socket sends at most. */
const FLOOD_SIZE = 60 * MIB;

/** CONNECT of MQTT 3.1.1, clean session, keep-alive 60 s, without a client identifier. */
const CONNECT = Uint8Array.from([0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 0]);
/** CONNACK: accepted, no session. */
const CONNACK = Uint8Array.from([0x20, 2, 0, 0]);
/** PUBLISH at QoS 0 on "t" that announces 256 MB, the most that MQTT has. */
const PUBLISH_256_MB = Uint8Array.from([0x30, 0xff, 0xff, 0xff, 0x7f, 0, 1, 0x74]);
/** CONNECT that announces as much. */
const CONNECT_256_MB = Uint8Array.from([0x10, 0xff, 0xff, 0xff, 0x7f, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60]);
/** PUBLISH at QoS 0 on "t" that announces 16 MiB less 64 KiB: as much as one client of this machine may have. */
const PUBLISH_16_MIB = Uint8Array.from([0x30, 0x80, 0x80, 0xfc, 0x07, 0, 1, 0x74]);

let child: ChildProcess | undefined;

afterEach(() => {
  child?.kill("SIGKILL");
  child = undefined;
});

/** Starts a victim, attacks it, and tells by how many bytes its memory grew. */
async function growthOf(victim: string, url: string, attack: (port: number) => Promise<unknown>): Promise<number> {
  child = spawn(process.execPath, ["--conditions=@tinybms/source", CHILD, victim, url], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const port = Number((await lines.next()).value);
  await attack(port);
  child.stdin!.end();
  return Number((await lines.next()).value);
}

/** Writes a header and zeros behind it, until enough is gone or the other end has had enough. @returns Bytes sent. */
async function flood(socket: Socket, header: Uint8Array, sizeBytes: number): Promise<number> {
  const piece = new Uint8Array(256 * 1024);
  socket.write(header);
  while (!socket.destroyed && socket.bytesWritten < sizeBytes) {
    if (!socket.write(piece)) await drained(socket);
  }
  return socket.bytesWritten;
}

/** Resolves when the socket takes more, or is gone. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      socket.off("drain", settle).off("close", settle);
      resolve();
    };
    socket.on("drain", settle).on("close", settle);
  });
}

/** Four connections that send these bytes, then zeros. */
const fourSockets =
  (packets: readonly Uint8Array[], sizeBytes = FLOOD_SIZE) =>
  async (port: number): Promise<void> => {
    const sockets = await Promise.all(
      [1, 2, 3, 4].map(async () => {
        const socket = connect(port, "127.0.0.1").on("error", () => {});
        await once(socket, "connect");
        return socket;
      }),
    );
    await Promise.all(
      sockets.map(async (socket) => {
        const [first, ...others] = packets;
        if (others.length > 0) {
          socket.write(first!);
          await once(socket, "data"); // CONNACK
        }
        return flood(socket, packets.at(-1)!, sizeBytes);
      }),
    );
    for (const socket of sockets) socket.destroy();
  };

test.for([
  ["announce 256 MB before CONNECT", [PUBLISH_256_MB], FLOOD_SIZE],
  ["announce a CONNECT of 256 MB", [CONNECT_256_MB], FLOOD_SIZE],
  ["announce 256 MB after CONNECT", [CONNECT, PUBLISH_256_MB], FLOOD_SIZE],
  ["each begin a message as large as one may be, and don't end it", [CONNECT, PUBLISH_16_MIB], 15 * MIB],
] as const)("grows by less than 32 MiB for four sockets that %s", async ([, packets, sizeBytes]) => {
  expect(await growthOf("broker", "", fourSockets(packets, sizeBytes))).toBeLessThan(GROWTH_MAX);
});

test("grows by the bytes sent by the same four sockets without the guard", async () => {
  expect(await growthOf("unguarded-broker", "", fourSockets([PUBLISH_256_MB]))).toBeGreaterThan(100 * MIB);
});

/** A broker that answers every connection with one PUBLISH that has no end, 200 MB to all of them at most. */
async function hostileBroker(): Promise<{ url: string; attack: () => Promise<void>; connections: () => number }> {
  let [budget, connections] = [200 * MIB, 0];
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const server = createServer((socket) => {
    connections++;
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write(CONNACK);
      void flood(socket, PUBLISH_256_MB, budget).then((sent) => {
        budget -= sent;
        socket.destroy();
        if (budget <= 0 || connections === 20) {
          server.close();
          end();
        }
      });
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  return { url: `mqtt://127.0.0.1:${port}`, attack: () => ended, connections: () => connections };
}

test("grows by less than 32 MiB in a guarded client while a broker streams an endless PUBLISH", async () => {
  const { url, attack, connections } = await hostileBroker();
  expect(await growthOf("client", url, attack)).toBeLessThan(GROWTH_MAX);
  // The guard ended each connection; mqtt.js made the next, and that was guarded again.
  expect(connections()).toBe(20);
});

test("grows by the bytes streamed by the same broker in a client without the guard", async () => {
  const { url, attack } = await hostileBroker();
  expect(await growthOf("unguarded-client", url, attack)).toBeGreaterThan(100 * MIB);
});
