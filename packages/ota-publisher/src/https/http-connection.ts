import { isIP, connect as netConnect, type Socket } from "node:net";
import { connect as tlsConnect } from "node:tls";
import { Client, type Dispatcher } from "undici";
import type { TlsFiles } from "../tls/tls-files.ts";
import type { ImageBody } from "./image-body.ts";
import { InactivityTimer } from "./inactivity-timer.ts";
import { InterimAnswers } from "./interim-answers.ts";
import type { HttpProxy } from "./proxy.ts";
import { unacknowledgedBytes } from "./unacknowledged.ts";

/** One request of a delivery. */
export interface HttpRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body?: ImageBody;
}

/** Answer of a server. */
export interface HttpAnswer {
  readonly status: number;
  /** Headers by lower-case name. Of repeated headers, the first. */
  readonly headers: ReadonlyMap<string, string>;
  /** Body of at most {@link ANSWER_SIZE_MAX} bytes. Empty if the body is longer or incomplete. */
  readonly body: Uint8Array;
  /** `true` if the server answered before it had received the whole request. */
  readonly isEarly: boolean;
}

/** Phase of a request. */
export type ExchangePhase = "connect" | "send" | "answer";

/** Error of a request without an answer. */
export class ExchangeError extends Error {
  override readonly name: string = "ExchangeError";
  readonly phase: ExchangePhase;
  /** How long the connection had stalled, in milliseconds; `undefined` if that is not the cause. */
  readonly stalledMs: number | undefined;

  constructor(phase: ExchangePhase, stalledMs: number | undefined, cause: unknown) {
    super(`no answer (${phase})`, { cause });
    this.phase = phase;
    this.stalledMs = stalledMs;
  }
}

/** Error of a proxy that can't be reached or does not open a tunnel. */
export class ProxyError extends Error {
  override readonly name: string = "ProxyError";
  readonly proxy: string;
  /** Status that the proxy answered, if any. */
  readonly status: number | undefined;

  constructor(proxy: string, status: number | undefined, cause: unknown) {
    super(`the proxy ${proxy} failed`, { cause });
    this.proxy = proxy;
    this.status = status;
  }
}

/** Largest body of an answer, in bytes. */
const ANSWER_SIZE_MAX = 64 * 1024;

/** Largest headers of an answer, in bytes. */
const HEADERS_SIZE_MAX = 16 * 1024;

/** Sends requests to one origin, one at a time, over one connection while it lasts (HTTP/1.1 keep-alive). */
export class HttpConnection {
  readonly #origin: URL;
  readonly #tls: TlsFiles & { readonly verify: boolean };
  #client: Client | undefined;
  #socket: Socket | undefined;
  #onConnected: () => void = () => {};
  readonly #proxy: HttpProxy | undefined;
  readonly #interim = new InterimAnswers();

  /** @param origin - URL of which only protocol, host and port are used. */
  constructor(origin: URL, tls: TlsFiles & { readonly verify: boolean }, proxy?: HttpProxy) {
    this.#origin = origin;
    this.#tls = tls;
    this.#proxy = proxy;
  }

  /**
   * Sends a request and reads its answer.
   *
   * @param timeoutMs - Longest stall, in milliseconds: this system accepts no piece of the body, and the peer
   *   acknowledges no bytes. After the body, the limit for the answer grows by the time that the body took.
   * @param signal - Ends the request with an {@link ExchangeError} that does not mention the signal.
   * @throws {@link ExchangeError} Its cause is an error of the socket, TLS, undici, or the body.
   */
  async exchange(request: HttpRequest, timeoutMs: number, signal: AbortSignal): Promise<HttpAnswer> {
    signal.throwIfAborted();
    let phase: ExchangePhase = this.#socket?.destroyed === false ? "send" : "connect";
    let stalledMs: number | undefined;
    const timer = new InactivityTimer(timeoutMs, () => {
      stalledMs = timer.delayMs;
      this.#destroy(new Error("nothing moved"));
    });
    const stopWatching = this.#watchAcknowledgements(timeoutMs, () => timer.touch());
    const abort = (): void => this.#destroy(new Error("aborted"));
    let startedAt = performance.now();
    this.#onConnected = () => {
      phase = "send";
      startedAt = performance.now();
      timer.touch();
    };
    const { body } = request;
    body?.takenBy({
      onTaken: (isAll) => {
        if (!isAll) return timer.touch();
        phase = "answer";
        timer.extend(performance.now() - startedAt);
      },
      isDrained: () => this.#socket?.writableLength === 0,
    });
    signal.addEventListener("abort", abort, { once: true });
    try {
      const response = await this.#send(request);
      timer.touch();
      const isEarly = body !== undefined && !body.isHandedOver;
      const answer = await readAnswer(response.body, () => timer.touch());
      return { status: response.statusCode, headers: headersOf(response.headers), body: answer, isEarly };
    } catch (cause) {
      this.#destroy(cause instanceof Error ? cause : new Error("failed", { cause }));
      throw new ExchangeError(phase, stalledMs, cause);
    } finally {
      timer.stop();
      stopWatching();
      signal.removeEventListener("abort", abort);
      body?.destroy();
    }
  }

  /** Closes the connection. */
  close(): void {
    this.#destroy(new Error("closed"));
  }

  async #send({ method, path, headers, body }: HttpRequest): Promise<Dispatcher.ResponseData> {
    this.#client ??= this.#createClient();
    this.#interim.begin();
    const { proxy, host } = { proxy: this.#proxy, host: this.#origin.host };
    // A proxy receives the whole URL of an unencrypted request (RFC 9112 section 3.2.2), and otherwise opens a tunnel.
    const isForwarded = proxy !== undefined && this.#origin.protocol === "http:";
    return await this.#client.request({
      method,
      path: isForwarded ? `${this.#origin.origin}${path}` : path,
      headers: {
        ...Object.fromEntries(headers),
        ...(isForwarded ? { host, ...proxyHeaders(proxy) } : {}),
        ...(body === undefined ? {} : { "content-length": String(body.lengthBytes) }),
      },
      body: body ?? null,
    });
  }

  /** Creates a client without undici's timeouts, which have a resolution of only one second. */
  #createClient(): Client {
    return new Client(this.#origin.origin, {
      connect: (_options, callback) => this.#connect(callback),
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: HEADERS_SIZE_MAX,
      pipelining: 1,
      allowH2: false,
    });
  }

  /** Connects to the origin, through the proxy if there is one. */
  #connect(callback: ConnectCallback): void {
    if (this.#proxy === undefined) return this.#open(this.#origin, this.#tls, undefined, callback);
    const proxyFault = (cause: Error): void =>
      callback(new ProxyError(this.#proxy?.display ?? "", undefined, cause), null);
    const { url } = this.#proxy;
    if (this.#origin.protocol === "http:") {
      return this.#open(url, PROXY_TLS, undefined, (...outcome) =>
        outcome[0] === null ? callback(...outcome) : proxyFault(outcome[0]),
      );
    }
    this.#openTunnel(this.#proxy).then(
      (socket) => this.#open(this.#origin, this.#tls, socket, callback),
      (error: Error) => (error instanceof ProxyError ? callback(error, null) : proxyFault(error)),
    );
  }

  /** Asks the proxy for a tunnel to the origin (RFC 9110 section 9.3.6). */
  async #openTunnel(proxy: HttpProxy): Promise<Socket> {
    const { hostname, port } = this.#origin;
    const authority = `${hostname}:${port || 443}`;
    const onConnected = this.#onConnected;
    // The proxy's connection to the server counts as connecting.
    this.#onConnected = () => {};
    const client = new Client(proxy.url.origin, {
      connect: (_options, callback) => this.#open(proxy.url, PROXY_TLS, undefined, callback),
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: HEADERS_SIZE_MAX,
    });
    this.#interim.begin();
    const { statusCode, socket } = await client.connect({
      path: authority,
      headers: { host: authority, ...proxyHeaders(proxy) },
    });
    this.#onConnected = onConnected;
    if (statusCode >= 200 && statusCode <= 299) return socket as Socket;
    socket.destroy();
    throw new ProxyError(proxy.display, statusCode, undefined);
  }

  /** Connects a socket. It can be destroyed before it is connected. */
  #open(
    { protocol, hostname, port }: URL,
    { verify, ...files }: TlsFiles & { readonly verify: boolean },
    tunnel: Socket | undefined,
    callback: ConnectCallback,
  ): void {
    const host = hostname.replace(/^\[(.*)\]$/, "$1");
    const isTls = protocol === "https:";
    const socket = isTls
      ? tlsConnect({
          ...files,
          ...(tunnel === undefined ? { host, port: Number(port || 443) } : { socket: tunnel, host }),
          ALPNProtocols: ["http/1.1"],
          rejectUnauthorized: verify,
          ...(isIP(host) === 0 ? { servername: host } : {}),
        })
      : netConnect({ host, port: Number(port || 80) });
    socket.setNoDelay(true).setKeepAlive(true, 60_000);
    stripInterim(socket, this.#interim);
    this.#socket = socket;
    let isDone = false;
    socket.once(isTls ? "secureConnect" : "connect", () => {
      if (isDone) return;
      isDone = true;
      this.#onConnected();
      callback(null, socket);
    });
    socket.on("error", (error) => {
      if (isDone) return;
      isDone = true;
      callback(error, null);
    });
    socket.once("close", () => {
      if (this.#socket === socket) this.#socket = undefined;
    });
  }

  /**
   * Polls the socket and calls `onProgress` whenever the peer has acknowledged more bytes.
   *
   * @returns A function that stops the polling.
   */
  #watchAcknowledgements(timeoutMs: number, onProgress: () => void): () => void {
    let last: number | undefined;
    let isLooking = false;
    const look = async (): Promise<void> => {
      const socket = this.#socket;
      if (socket === undefined || isLooking) return;
      isLooking = true;
      const left = await unacknowledgedBytes(socket);
      isLooking = false;
      if (left !== undefined && last !== undefined && left < last) onProgress();
      last = left;
    };
    const timer = setInterval(() => void look(), Math.max(10, Math.min(5000, timeoutMs / 8)));
    return () => clearInterval(timer);
  }

  #destroy(reason: Error): void {
    this.#socket?.destroy(reason);
    this.#socket = undefined;
    // The promise resolves when the sockets are closed. Nothing waits for that.
    void this.#client?.destroy(reason).catch(() => {});
    this.#client = undefined;
  }
}

type ConnectCallback = (...outcome: [null, Socket] | [Error, null]) => void;

/** TLS options for a proxy: Node's defaults, because the channel's files are for its server. */
const PROXY_TLS = { verify: true } as const;

function proxyHeaders({ authorization }: HttpProxy): Record<string, string> {
  return authorization === undefined ? {} : { "proxy-authorization": authorization };
}

/** Removes interim answers from a socket by wrapping its `read`, the only method that undici reads with. */
function stripInterim(socket: Socket, interim: InterimAnswers): void {
  const read = socket.read.bind(socket);
  socket.read = (size?: number): unknown => {
    for (;;) {
      const chunk: unknown = read(size);
      if (!Buffer.isBuffer(chunk)) return chunk;
      const rest = interim.strip(chunk);
      if (rest.length > 0) return rest;
    }
  };
}

/** Reads an answer's body. Returns an empty one if it is too long or fails: the status counts without it. */
async function readAnswer(body: AsyncIterable<Uint8Array>, onData: () => void): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const piece of body) {
      onData();
      size += piece.length;
      if (size > ANSWER_SIZE_MAX) return new Uint8Array(0);
      pieces.push(piece);
    }
  } catch {
    return new Uint8Array(0);
  }
  return Buffer.concat(pieces);
}

function headersOf(headers: Readonly<Record<string, string | string[] | undefined>>): Map<string, string> {
  const first = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    const text = Array.isArray(value) ? value[0] : value;
    if (text !== undefined) first.set(name.toLowerCase(), text);
  }
  return first;
}
