import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createAuthority, hasOpenssl } from "./certificate-authority.ts";
import { createHttpsBench, type HttpsBench } from "./https-bench.ts";

let bench: HttpsBench;
const closers: (() => Promise<void>)[] = [];

beforeAll(() => {
  bench = createHttpsBench();
});

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

afterAll(() => bench.remove());

/** Listens on a free port of 127.0.0.1 until the test ends. */
async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });
  return (server.address() as AddressInfo).port;
}

/** A server that answers each request in turn, the last listener for all others. */
async function serve(...listeners: readonly RequestListener[]): Promise<{ url: string; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    const listener = listeners[Math.min(requests.length, listeners.length - 1)];
    requests.push(request);
    listener?.(request, response);
  });
  return { url: `http://127.0.0.1:${await listen(server)}/ota`, requests };
}

/** Reads the whole request, then answers. */
const answer =
  (status: number, headers: Readonly<Record<string, string>> = {}, body = ""): RequestListener =>
  (request, response) => {
    request.resume().once("end", () => response.writeHead(status, headers).end(body));
  };

const received: Uint8Array[] = [];
const take: RequestListener = (request, response) => {
  buffer(request).then(
    (body) => {
      received.push(body);
      response.writeHead(201).end();
    },
    () => {},
  );
};

test("a request has the PUT method, its length, its type, and the channel's headers", async () => {
  const { url, requests } = await serve(answer(204));
  const { outcome } = await bench.deliver({ url, headers: { "X-Site": "north" } });
  expect(outcome?.bytesSent).toBe(bench.image.sizeBytes);
  expect(requests[0]?.method).toBe("PUT");
  expect(requests[0]?.headers).toMatchObject({
    "content-length": String(bench.image.sizeBytes),
    "content-type": "application/octet-stream",
    "x-site": "north",
    connection: "keep-alive",
  });
  expect(requests[0]?.headers["transfer-encoding"]).toBeUndefined();
});

test("uses the channel's method and Content-Type if it names them", async () => {
  const { url, requests } = await serve(answer(200));
  await bench.deliver({ url, method: "post", headers: { "content-TYPE": "application/x-binary" } });
  expect(requests[0]?.method).toBe("POST");
  expect(requests[0]?.headers["content-type"]).toBe("application/x-binary");
});

test("skips interim answers before the final one at any time", async () => {
  const { url, requests } = await serve((request, response) => {
    response.writeContinue();
    response.writeProcessing();
    request.once("data", () => response.writeContinue());
    request.resume().once("end", () => {
      response.writeEarlyHints({ link: "</a>; rel=preload" });
      response.writeContinue();
      response.writeHead(201).end();
    });
  });
  const { outcome, retries } = await bench.deliver({ url });
  expect(outcome?.bytesSent).toBe(bench.image.sizeBytes);
  expect(retries).toEqual([]);
  expect(requests).toHaveLength(1);
});

const isNotLinux = process.platform !== "linux";
test.skipIf(isNotLinux)("does not time out a receiver that accepts bytes too slowly to empty our buffer", async () => {
  const bytes = randomBytes(24 * 2 ** 20);
  const path = join(bench.folder, "slow.bin");
  writeFileSync(path, bytes);
  const image = { path, sizeBytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
  const slow = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let pieces = 0;
    for await (const _ of request) {
      // 128 KiB each 100 ms for 4 s: what this system buffers alone would take longer than the timeout.
      if (pieces++ % 2 === 0 && pieces < 80) await delay(100);
    }
    response.end();
  };
  const { url } = await serve((request, response) => void slow(request, response));
  const { outcome, retries } = await bench.deliver({ url, timeout: 1 }, { image });
  expect(retries).toEqual([]);
  expect(outcome?.bytesSent).toBe(bytes.length);
});

test("waits after 503 and 429 as long as the server asks, in seconds or until a date", async () => {
  const epochMs = Date.UTC(2026, 0, 1);
  const { url, requests } = await serve(
    answer(503, { "retry-after": "3" }),
    answer(429, { "retry-after": "Thu, 01 Jan 2026 00:00:10 GMT" }),
    answer(503, { "retry-after": "soon" }),
    answer(200),
  );
  const { outcome, retries } = await bench.deliver({ url }, { epochMs });
  expect(outcome).toBeDefined();
  // The clock has gone on by 3 s when the date is read; what can't be read counts as no wish: the third back-off.
  expect(retries.map(({ delayMs }) => delayMs)).toEqual([3000, 7000, 2000]);
  expect(requests).toHaveLength(4);
});

test("ends the delivery at once if a server asks for more time than is left", async () => {
  const { url, requests } = await serve(answer(503, { "retry-after": "3600" }));
  const { error } = await bench.deliver({ url });
  expect(error).toMatchObject({ code: "delivery/server-failed", details: { status: 503 } });
  expect(error?.message).toContain("it asks for a retry in 3600 s, but 60 s of the delivery's time are left");
  expect(requests).toHaveLength(1);
});

test("tries 5xx six times with growing waits", async () => {
  const { url, requests } = await serve(answer(502, { "content-type": "text/plain" }, "no upstream\nstack"));
  const { error, retries } = await bench.deliver({ url });
  expect(error).toMatchObject({ code: "delivery/server-failed", details: { status: 502 } });
  expect(error?.message).toBe(`${url} answered 502 Bad Gateway: no upstream (6 attempts were made)`);
  expect(retries.map(({ delayMs }) => delayMs)).toEqual([500, 1000, 2000, 4000, 8000]);
  expect(requests).toHaveLength(6);
});

test.for([400, 401, 403, 404, 405, 409, 411, 413, 415, 422])("reports %i without another attempt", async (status) => {
  const { url, requests } = await serve(answer(status));
  const { error } = await bench.deliver({ url });
  expect(error).toMatchObject({ code: "delivery/server-refused", details: { host: "127.0.0.1", status } });
  expect(error?.message).toContain(`${url} answered ${status}`);
  expect(requests).toHaveLength(1);
});

test("follows 307 and 308 on the same origin, with body and Authorization", async () => {
  received.length = 0;
  const { url, requests } = await serve(
    answer(307, { location: "/a?x=1" }),
    answer(308, { location: "http://user:pw@127.0.0.1:1/../b" }),
  );
  const { port } = new URL(url);
  const second = await serve(answer(307, { location: "a/b" }), answer(308, { location: "../c?y" }), take);
  const { outcome } = await bench.deliver({ url: second.url, headers: { Authorization: "Bearer planted" } });
  expect(outcome).toBeDefined();
  expect(second.requests.map((request) => request.url)).toEqual(["/ota", "/a/b", "/c?y"]);
  expect(second.requests.map((request) => request.headers.authorization)).toEqual(Array(3).fill("Bearer planted"));
  expect(received).toHaveLength(1);
  expect(Buffer.compare(received[0] ?? new Uint8Array(), bench.bytes)).toBe(0);
  const { error, said } = await bench.deliver({ url });
  expect(requests.map((request) => request.url)).toEqual(["/ota", "/a?x=1"]);
  expect(error).toMatchObject({ code: "delivery/redirected", details: { port: Number(port), status: 308 } });
  expect(error?.details).toMatchObject({ location: "http://127.0.0.1:1/b" });
  expect(said).not.toContain("user:pw");
});

test("sends nothing to another origin, and no Authorization", async () => {
  const other = await serve(answer(200));
  const location = `${other.url}?token=planted-t0ken`;
  for (const status of [301, 302, 303, 307, 308]) {
    const { url } = await serve(answer(status, { location }));
    const { error, said } = await bench.deliver({ url, headers: { Authorization: "Bearer planted" } });
    expect(error).toMatchObject({ code: "delivery/redirected", details: { status, location: other.url } });
    expect(error?.message).toContain("the image and the credentials are not sent to another server");
    expect(said).not.toContain("planted");
  }
  // The same host by another name, port or protocol is another origin.
  const { url } = await serve(answer(307, { location: other.url.replace("127.0.0.1", "localhost") }));
  expect((await bench.deliver({ url })).error?.code).toBe("delivery/redirected");
  expect(other.requests).toEqual([]);
});

test("does not follow 301 to 303 on the same origin: they would turn PUT into GET", async () => {
  for (const status of [301, 302, 303]) {
    const { url, requests } = await serve(answer(status, { location: "/new" }));
    const { error } = await bench.deliver({ url });
    expect(error).toMatchObject({ code: "delivery/redirected", details: { location: new URL("/new", url).href } });
    expect(requests).toHaveLength(1);
  }
});

test("ends a circle of redirects", async () => {
  const { url, requests } = await serve(answer(307, { location: "/ota" }));
  const { error } = await bench.deliver({ url });
  expect(error?.message).toContain("redirects too often");
  expect(requests).toHaveLength(6);
});

test("does not show a secret in the path of a redirect", async () => {
  const { url } = await serve(answer(307, { location: "http://127.0.0.1:1/planted%20s3cret/x" }));
  const { said } = await bench.deliver({ url, headers: { "X-Key": "planted s3cret" } });
  expect(said).not.toMatch(/planted|s3cret/);
});

test("connects again after a reset during the body, and sends the whole image", async () => {
  received.length = 0;
  const reset: RequestListener = (request) => {
    request.once("data", () => request.socket.resetAndDestroy());
  };
  const { url } = await serve(reset, reset, take);
  const { outcome, retries } = await bench.deliver({ url });
  expect(outcome).toBeDefined();
  expect(retries.map(({ code }) => code)).toEqual(["delivery/connection-lost", "delivery/connection-lost"]);
  expect(Buffer.compare(received[0] ?? new Uint8Array(), bench.bytes)).toBe(0);
});

test("retries a refused connection, then reports it", async () => {
  const server = createTcpServer();
  const port = await listen(server);
  server.close();
  const { error, retries } = await bench.deliver({ url: `http://127.0.0.1:${port}/` });
  expect(error).toMatchObject({ code: "delivery/server-unreachable", details: { host: "127.0.0.1", port } });
  expect(error?.message).toContain("nothing listens there");
  expect(retries).toHaveLength(5);
});

test("gives up a server that accepts nothing or never answers after the channel's timeout", async () => {
  const large = join(bench.folder, "large.bin");
  writeFileSync(large, "");
  truncateSync(large, 32 * 2 ** 20);
  const sha256 = createHash("sha256").update(readFileSync(large)).digest("hex");
  const image = { path: large, sizeBytes: 32 * 2 ** 20, sha256 };
  const deaf = createTcpServer((socket) => socket.pause());
  const url = `http://127.0.0.1:${await listen(deaf)}/`;
  const { error, retries } = await bench.deliver({ url, timeout: 0.05 }, { image });
  expect(error).toMatchObject({ code: "delivery/timeout", details: { seconds: 0.05 } });
  expect(error?.message).toContain("accepted nothing of the image for 0.05 s");
  expect(retries).toHaveLength(5);
  const { url: silent } = await serve((request) => request.resume());
  const unanswered = await bench.deliver({ url: silent, timeout: 0.05 });
  expect(unanswered.error?.code).toBe("delivery/timeout");
  expect(unanswered.error?.message).toContain("did not answer");
});

test("does not interrupt a slow upload that makes progress, and overwrites no waiting bytes", async () => {
  const bytes = randomBytes(16 * 2 ** 20);
  const path = join(bench.folder, "random.bin");
  writeFileSync(path, bytes);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const hash = createHash("sha256");
  const slow = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let pieces = 0;
    for await (const piece of request) {
      hash.update(piece as Uint8Array);
      // Twelve breaks of 60 ms: longer in all than the timeout, each of them shorter.
      if (pieces++ % 20 === 0 && pieces < 240) await delay(60);
    }
    // What this system still held when we had handed over everything took its time; checking the image takes more.
    await delay(750);
    response.end();
  };
  const { url } = await serve((request, response) => void slow(request, response));
  const image = { path, sizeBytes: bytes.length, sha256 };
  const startedAt = performance.now();
  const { outcome, retries } = await bench.deliver({ url, timeout: 0.6 }, { image });
  expect(outcome?.bytesSent).toBe(bytes.length);
  expect(retries).toEqual([]);
  expect(performance.now() - startedAt).toBeGreaterThan(1000);
  expect(hash.digest("hex")).toBe(sha256);
});

test("the delivery's own time limit ends it in every phase", async () => {
  const { url } = await serve((request) => request.resume());
  const { error } = await bench.deliver({ url }, { timeoutMs: 100 });
  expect(error).toMatchObject({ code: "delivery/timeout", details: { seconds: 0.1, devices: [] } });
  expect(error?.message).toContain(`the delivery to ${url} did not finish within 0.1 s`);
});

test("an interrupt ends it: before the start, during the body, and while it waits for an answer", async () => {
  const { url } = await serve((request) => request.resume());
  const early = await bench.deliver({ url }, { signal: AbortSignal.abort() });
  expect(early.error?.code).toBe("delivery/interrupted");
  const controller = new AbortController();
  const onProgress = (): void => controller.abort();
  const middle = await bench.deliver({ url }, { signal: controller.signal, onProgress });
  expect(middle.error?.code).toBe("delivery/interrupted");
  const late = await bench.deliver({ url }, { signal: AbortSignal.timeout(100) });
  expect(late.error?.code).toBe("delivery/interrupted");
});

test("gives up a host that drops connections after the timeout, and leaves no socket", async () => {
  // TLS towards a server that says nothing: the handshake never ends.
  const sockets: Socket[] = [];
  const port = await listen(createTcpServer((socket) => sockets.push(socket.resume())));
  const { error } = await bench.deliver({ url: `https://127.0.0.1:${port}/`, timeout: 0.05 });
  expect(error).toMatchObject({ code: "delivery/server-unreachable" });
  expect(error?.message).toContain("no answer within 0.05 s");
  expect(sockets).toHaveLength(6);
  for (const socket of sockets) if (!socket.destroyed) await once(socket, "close");
});

test("an answer of any length, also without an end, does not undo a success", async () => {
  const endless: RequestListener = (request, response) => {
    request.resume().once("end", () => {
      response.writeHead(200);
      const more = (): void => {
        while (response.write("x".repeat(65_536)));
      };
      response.on("drain", more);
      more();
    });
  };
  const torn: RequestListener = (request, response) => {
    request.resume().once("end", () => {
      response.writeHead(200, { "content-length": "1000" }).write("half");
      response.once("close", () => {});
      setImmediate(() => response.destroy());
    });
  };
  for (const listener of [endless, torn]) {
    const { outcome } = await bench.deliver({ url: (await serve(listener)).url });
    expect(outcome?.bytesSent).toBe(bench.image.sizeBytes);
  }
});

const NO_HTTP = [
  "SSH-2.0-OpenSSH_9.2\r\n",
  "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
  `HTTP/1.1 200 OK\r\nX: ${"y".repeat(2 ** 17)}`,
];
test("reports bytes that are not HTTP, and headers without an end", async () => {
  for (const text of NO_HTTP) {
    const port = await listen(createTcpServer((socket) => socket.once("data", () => socket.write(text))));
    const { error, said } = await bench.deliver({ url: `http://127.0.0.1:${port}/` });
    expect(error).toMatchObject({ code: "delivery/answer-invalid", details: { port } });
    expect(said).not.toContain("OpenSSH");
  }
});

test("success before the image was taken is none", async () => {
  const path = join(bench.folder, "larger.bin");
  writeFileSync(path, "");
  truncateSync(path, 64 * 2 ** 20);
  const sha256 = createHash("sha256").update(readFileSync(path)).digest("hex");
  const { url } = await serve((request, response) => {
    request.pause();
    response.writeHead(200, { "content-length": "0" }).end();
  });
  const { error } = await bench.deliver({ url }, { image: { path, sizeBytes: 64 * 2 ** 20, sha256 } });
  expect(error).toMatchObject({ code: "delivery/answer-invalid" });
  expect(error?.message).toContain("before it had received the whole image");
});

test("never completes the request with a file that changes while it is sent", async () => {
  received.length = 0;
  const path = join(bench.folder, "changing.bin");
  writeFileSync(path, bench.bytes);
  const { url, requests } = await serve(take);
  const spoil = (bytesSent: number): void => {
    if (bytesSent > 0) writeFileSync(path, new Uint8Array(bench.bytes.length));
  };
  const spoilt = await bench.deliver({ url }, { image: { path }, onProgress: spoil });
  expect(spoilt.error?.code).toBe("delivery/image-mismatch");
  expect(spoilt.error?.message).toContain(`${path} changed after it was checked: its SHA-256 is `);
  writeFileSync(path, bench.bytes);
  const shorten = (bytesSent: number): void => {
    if (bytesSent > 0) truncateSync(path, 1000);
  };
  expect((await bench.deliver({ url }, { image: { path }, onProgress: shorten })).error?.code).toBe(
    "delivery/image-mismatch",
  );
  expect(requests).toHaveLength(2);
  expect(received).toEqual([]);
  const before = await bench.deliver({ url }, { image: { path } });
  expect(before.error).toMatchObject({ code: "delivery/image-mismatch", details: { actual: "1000 bytes" } });
  const absent = await bench.deliver({ url }, { image: { path: join(bench.folder, "absent.bin") } });
  expect(absent.error?.code).toBe("delivery/image-unreadable");
  expect(requests).toHaveLength(2);
});

const isAbsent = !hasOpenssl();
const WHY = isAbsent ? " (skipped: OpenSSL is not installed; `apt-get install openssl`)" : "";

test.skipIf(isAbsent)(
  `certificates that are expired, of another host, or signed by themselves, are told apart${WHY}`,
  async () => {
    const authority = createAuthority(bench.folder, "faults-ca");
    const cases = [
      [
        authority.sign("expired", "IP:127.0.0.1", -1),
        "its certificate has expired",
        "renew the certificate on the server",
      ],
      [authority.sign("elsewhere", "DNS:elsewhere.example"), "its certificate is for another host", "url must name"],
      [
        createAuthority(bench.folder, "selfsigned"),
        "its certificate is self-signed",
        "to the file of that certificate",
      ],
    ] as const;
    for (const [{ cert, key }, reason, hint] of cases) {
      const server = createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, answer(200));
      const url = `https://127.0.0.1:${await listen(server)}/`;
      const { error, retries, progress } = await bench.deliver({ url, ca: authority.cert });
      expect(error).toMatchObject({ code: "delivery/tls-failed", details: { host: "127.0.0.1", reason } });
      expect(error?.hint).toContain(hint);
      expect([retries, progress]).toEqual([[], []]);
      expect((await bench.deliver({ url, verify: false })).outcome).toBeDefined();
    }
  },
);

test("reports https:// to a server that uses http://", async () => {
  const { url } = await serve(answer(200));
  const { error } = await bench.deliver({ url: url.replace("http:", "https:") });
  expect(error).toMatchObject({ code: "delivery/tls-failed" });
  expect(error?.hint).toContain("http://");
});

test("credentials of the URL become Basic authorization in UTF-8, and are never shown", async () => {
  const { url, requests } = await serve(
    answer(401, { "content-type": "application/json" }, '{"error":"no pl4nted/pä for öp"}'),
  );
  const { error, said } = await bench.deliver({ url: url.replace("//", "//%C3%B6p:pl4nted%2Fp%C3%A4@") });
  expect(requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from("öp:pl4nted/pä").toString("base64")}`);
  expect(error?.message).toContain(`${url} answered 401 Unauthorized`);
  expect(said).not.toMatch(/pl4nted|op:|öp/);
});
