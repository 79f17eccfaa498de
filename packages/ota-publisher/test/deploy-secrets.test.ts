import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer as createTcpServer, type Server } from "node:net";
import { startEmbeddedBroker } from "@tinybms/ota-broker";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDeployLine } from "./deploy-line.ts";

/** Every credential that a test plants has this in it, in whatever form it may come out. */
const PLANTED = "pl4nt3d";
const BASE64_OF_PLANTED = Buffer.from(`ops:${PLANTED}-5`).toString("base64");
const TOPIC = "bench/ota";

const env = {
  BROKER_PASSWORD: `${PLANTED}-1`,
  TOKEN: `${PLANTED}-2`,
  HOOK: `${PLANTED}-3`,
  LOGIN: `ops:${PLANTED}-4`,
  CREDENTIALS: BASE64_OF_PLANTED,
};

let port: { readonly refusing: number; readonly silent: number; readonly echoing: number; readonly broker: number };
const servers: Server[] = [];
let broker: Awaited<ReturnType<typeof startEmbeddedBroker>>;

beforeAll(async () => {
  // CONNACK with return code 4, wrong user name or password, to MQTT 3.1.1; MQTT 5 is told that it is not spoken.
  const refusing = createTcpServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (bytes) => socket.end(Uint8Array.from([0x20, 2, 0, bytes[8] === 5 ? 1 : 4])));
  });
  const silent = createTcpServer((socket) => {
    socket.on("error", () => {});
    socket.destroy();
  });
  // Says what it was sent, as servers do that want to help.
  const echoing = createHttpServer((request, response) => {
    request.resume();
    const echo = { message: `no: ${request.url} ${JSON.stringify(request.headers)}` };
    response.writeHead(request.url?.includes("again") ? 503 : 401, { "content-type": "application/json" });
    response.end(JSON.stringify(echo));
  });
  servers.push(refusing, silent, echoing);
  const ports = await Promise.all(servers.map(listen));
  broker = await startEmbeddedBroker();
  port = { refusing: ports[0]!, silent: ports[1]!, echoing: ports[2]!, broker: broker.port };
});

afterAll(async () => {
  for (const server of servers) server.close();
  await broker.close();
});

const mqtt = (members: object): object => ({
  mqtt: { topic: TOPIC, username: "ops", password: "$BROKER_PASSWORD", ...members },
});

const https = (url: string, members: object = {}): object => ({
  https: {
    url,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how a manifest writes variables
    headers: { Authorization: "Basic $CREDENTIALS", "X-Api-Key": "${TOKEN}", "X-Hook": `${PLANTED}-literal` },
    ...members,
  },
});

test.for([
  ["a broker that refuses", "mqtt", () => mqtt({ broker: `mqtt://127.0.0.1:${port.refusing}` }), 1],
  ["one that refuses a blob", "mqtt", () => mqtt({ broker: `mqtt://127.0.0.1:${port.refusing}`, mode: "blob" }), 1],
  ["a broker that is not there", "mqtt", () => mqtt({ broker: `mqtt://$LOGIN@127.0.0.1:1` }), 1],
  ["one that hangs up", "mqtt", () => mqtt({ broker: `ws://$LOGIN@127.0.0.1:${port.silent}/mqtt?token=$TOKEN` }), 1],
  [
    "one that takes everything",
    "mqtt",
    () => mqtt({ broker: `mqtt://$LOGIN@127.0.0.1:${port.broker}`, mode: "blob" }),
    0,
  ],
  ["no device", "mqtt", () => mqtt({ broker: `mqtt://127.0.0.1:${port.broker}` }), 1],
  ["a literal in a URL", "mqtt", () => mqtt({ broker: `mqtt://ops:${PLANTED}@127.0.0.1:1` }), 1],
  ["a URL without a scheme", "mqtt", () => mqtt({ broker: `ops:${PLANTED}@127.0.0.1` }), 2],
  ["a URL with a wrong port", "mqtt", () => mqtt({ broker: `mqtt://$LOGIN@127.0.0.1:99999` }), 2],
  ["a URL that the environment holds", "mqtt", () => mqtt({ broker: "$LOGIN" }), 2],
  ["a password of a wrong type", "mqtt", () => mqtt({ broker: "mqtt://127.0.0.1:1", password: [PLANTED] }), 2],
  [
    "a key file that is none",
    "mqtt",
    () => mqtt({ broker: "mqtts://127.0.0.1:1", cert: "manifest.json", key: "manifest.json" }),
    2,
  ],
  ["a server that refuses", "https", () => https(`http://$LOGIN@127.0.0.1:${port.echoing}/$HOOK/f?token=$TOKEN`), 1],
  ["one that is busy", "https", () => https(`http://127.0.0.1:${port.echoing}/again?token=$TOKEN`), 1],
  ["a gateway that refuses", "https", () => https(`http://127.0.0.1:${port.echoing}/$HOOK`, { mode: "multipart" }), 1],
  ["a server that is not there", "https", () => https("https://$LOGIN@127.0.0.1:1/$HOOK?token=$TOKEN"), 1],
  ["one that hangs up on us", "https", () => https(`https://$LOGIN@127.0.0.1:${port.silent}/$HOOK?sig=$TOKEN`), 1],
  [
    "a header that is none",
    "https",
    () => https("https://127.0.0.1:1", { headers: { Authorization: "a\n$TOKEN" } }),
    2,
  ],
  ["a URL of a wrong kind", "https", () => https("ftp://$LOGIN@127.0.0.1/$HOOK"), 2],
] as const)("%s (%s): no credential is shown in any output", async ([, transport, channels, code]) => {
  const line = createDeployLine(channels(), [transport]);
  try {
    for (const args of [["--verbose"], ["--verbose", "--json"], ["--verbose", "--json", "--dry-run"], ["--dry-run"]]) {
      const { exitCode, stdout, stderr } = await line.deploy([...args, "--timeout", "0.3"], { env });
      const said = stdout + stderr;
      expect(said).not.toContain(PLANTED);
      expect(said).not.toContain(BASE64_OF_PLANTED);
      // What fails on the network alone is found by no dry run.
      expect([code, args.includes("--dry-run") ? Math.max(0, code === 2 ? 2 : 0) : code]).toContain(exitCode);
      expect(said).not.toBe("");
    }
  } finally {
    line.remove();
  }
});

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return address !== null && typeof address === "object" ? address.port : 0;
}
