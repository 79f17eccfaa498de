import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, request as requestTo, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { proxyOf } from "../src/https/proxy.ts";
import { createAuthority, hasOpenssl } from "./certificate-authority.ts";
import { createHttpsBench, type HttpsBench } from "./https-bench.ts";

const hasNoOpenssl = !hasOpenssl();
const WHY = hasNoOpenssl ? " (skipped: `apt-get install openssl`)" : "";

let bench: HttpsBench;
const sockets = new Set<Socket>();
const servers: Server[] = [];

beforeAll(() => {
  bench = createHttpsBench();
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});
afterAll(() => bench.remove());

async function listen(server: Server): Promise<number> {
  server.on("connection", (socket: Socket) => sockets.add(socket.on("error", () => {})));
  server.listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const received: Buffer[] = [];
const take = (request: IncomingMessage, response: { writeHead(status: number): { end(): void } }): void => {
  void buffer(request).then((body) => {
    received.push(body);
    response.writeHead(201).end();
  });
};

/** A proxy as Squid is: tunnels for CONNECT, whole URLs for the rest, a password if wanted. */
async function startProxy(login?: string): Promise<{ port: number; log: string[] }> {
  const log: string[] = [];
  const isAllowed = ({ headers }: IncomingMessage): boolean =>
    login === undefined || headers["proxy-authorization"] === `Basic ${Buffer.from(login).toString("base64")}`;
  const server = createServer((request, response) => {
    log.push(`${request.method} ${request.url}`);
    if (!isAllowed(request)) return void response.writeHead(407).end();
    const { "proxy-authorization": _, ...headers } = request.headers;
    const forwarded = requestTo(request.url ?? "", { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502);
      answer.pipe(response);
    });
    request.pipe(forwarded);
  });
  server.on("connect", (request: IncomingMessage, client: Socket) => {
    log.push(`CONNECT ${request.url}`);
    if (!isAllowed(request)) return void client.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    const { hostname, port } = new URL(`http://${request.url}`);
    const upstream = connect(Number(port), hostname, () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      client.pipe(upstream).pipe(client);
    });
    sockets.add(upstream.on("error", () => client.destroy()));
  });
  return { port: await listen(server), log };
}

test("an http:// receiver is reached through HTTP_PROXY, by its whole URL", async () => {
  received.length = 0;
  const port = await listen(createServer(take));
  const proxy = await startProxy();
  const url = `http://127.0.0.1:${port}/ota?x=1`;
  const { outcome } = await bench.deliver({ url }, { env: { HTTP_PROXY: `http://127.0.0.1:${proxy.port}` } });
  expect(outcome?.bytesSent).toBe(bench.image.sizeBytes);
  expect(proxy.log).toEqual([`PUT ${url}`]);
  expect(received[0]?.equals(bench.bytes)).toBe(true);
});

test.skipIf(hasNoOpenssl)(`an https:// receiver is reached through a tunnel of HTTPS_PROXY${WHY}`, async () => {
  received.length = 0;
  const authority = createAuthority(bench.folder);
  const { cert, key } = authority.sign("server", "IP:127.0.0.1");
  const port = await listen(createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, take));
  const proxy = await startProxy("planted-user:planted-pass");
  const channel = { url: `https://127.0.0.1:${port}/ota`, ca: authority.cert };
  const env = (login: string) => ({ HTTPS_PROXY: `http://${login}127.0.0.1:${proxy.port}` });
  const { outcome } = await bench.deliver(channel, { env: env("planted-user:planted-pass@") });
  expect(outcome?.bytesSent).toBe(bench.image.sizeBytes);
  expect(proxy.log).toEqual([`CONNECT 127.0.0.1:${port}`]);
  expect(received[0]?.equals(bench.bytes)).toBe(true);
  const refused = await bench.deliver(channel, { env: env("planted-user:wr0ng-pass@") });
  expect(refused.error).toMatchObject({ code: "delivery/server-unreachable" });
  expect(refused.error?.message).toContain(`through the proxy http://127.0.0.1:${proxy.port}: it answered 407`);
  expect(refused.error?.hint).toContain("user name and password");
  expect(refused.retries).toEqual([]);
  expect(refused.said).not.toMatch(/planted|wr0ng/);
});

test("blames a missing proxy, not the receiver", async () => {
  const { error } = await bench.deliver({ url: "http://127.0.0.1:9/x" }, { env: { http_proxy: "127.0.0.1:1" } });
  expect(error?.message).toContain("through the proxy http://127.0.0.1:1: nothing listens there");
  expect(error?.hint).toContain("NO_PROXY");
});

test("a receiver in NO_PROXY is reached without the proxy", async () => {
  const port = await listen(createServer(take));
  const env = { HTTP_PROXY: "http://127.0.0.1:1", NO_PROXY: "127.0.0.0/8" };
  expect((await bench.deliver({ url: `http://127.0.0.1:${port}/` }, { env })).outcome).toBeDefined();
});

test.for([
  ["https://api.example.com", "example.com", true],
  ["https://example.com", ".example.com", true],
  ["https://notexample.com", "example.com", false],
  ["https://a.example.com", "other, *.example.com", true],
  ["https://example.com:8443", "example.com:443", false],
  ["https://example.com", "example.com:443", true],
  ["https://anything.test", "*", true],
  ["http://10.1.2.3", "10.0.0.0/8", true],
  ["http://11.1.2.3", "10.0.0.0/8", false],
  ["http://[::1]:80", "::1", true],
  ["https://example.com", "", false],
] as const)("%s with NO_PROXY=%s goes without a proxy: %s", ([url, list, expected]) => {
  const proxy = "http://proxy.test:3128";
  const env = { HTTPS_PROXY: proxy, HTTP_PROXY: proxy, NO_PROXY: list };
  expect(proxyOf(new URL(url), env) === undefined).toBe(expected);
});

test("refuses a proxy of another kind without repeating its credentials", () => {
  const env = { HTTPS_PROXY: "socks5://user:s3cr3t@proxy.test:1080" };
  expect(() => proxyOf(new URL("https://example.com"), env)).toThrow(/^HTTPS_PROXY must be/);
});
