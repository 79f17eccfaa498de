import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import type { Certificate } from "./certificate-authority.ts";

/** What the gateway does with the next upload that is authorized, instead of taking it. */
export interface Scripted {
  readonly httpStatus: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An upload that the gateway took. */
export interface TakenUpload {
  readonly filename: string;
  readonly contentType: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** The gateway's `POST /api/ota` and `GET /api/security/csrf`, as the reference page describes them. */
export class StandInGateway {
  readonly uploads: TakenUpload[] = [];
  /** Lines of what was asked and answered: `GET /api/security/csrf 200`. */
  readonly log: string[] = [];
  /** Connections that were made. */
  connections = 0;
  /** Answers to the next uploads, before those that follow the rules. */
  readonly script: Scripted[] = [];
  /** How often a token is refused as too old although it is not. */
  staleTokens = 0;
  runningVersion = "1.0.0";
  readonly #server: Server;
  readonly #authorization: string;
  readonly #tokens: string[] = [];

  private constructor(server: Server, credentials: string) {
    this.#server = server;
    this.#authorization = `Basic ${Buffer.from(credentials).toString("base64")}`;
    server.on("connection", () => {
      this.connections++;
    });
    server.on("request", (request, response) => {
      void this.#answer(request, response).catch((error: unknown) => {
        response.writeHead(599).end(String(error));
      });
    });
  }

  /** @param credentials - `user:password`. */
  static async start({ cert, key }: Certificate, credentials: string): Promise<StandInGateway> {
    const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) });
    const gateway = new StandInGateway(server, credentials);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return gateway;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const reply = (httpStatus: number, text: string, headers: Readonly<Record<string, string>> = {}): void => {
      this.log.push(`${request.method} ${request.url} ${httpStatus}`);
      response.writeHead(httpStatus, { "content-type": "application/json", ...headers }).end(text);
    };
    if (request.headers.authorization !== this.#authorization) return reply(401, answerJson(9, "who are you"));
    if (request.method === "GET" && request.url === "/api/security/csrf") {
      const token = randomBytes(32).toString("hex");
      this.#tokens.push(token);
      // It keeps eight.
      if (this.#tokens.length > 8) this.#tokens.shift();
      return reply(200, JSON.stringify({ token, expires_in: 900_000 }));
    }
    if (request.method !== "POST" || request.url !== "/api/ota") return reply(404, "{}");
    if (!this.#tokens.includes(String(request.headers["x-csrf-token"])) || this.staleTokens > 0) {
      this.staleTokens--;
      return reply(403, JSON.stringify({ error: "csrf token missing or expired" }));
    }
    const scripted = this.script.shift();
    if (scripted !== undefined) return reply(scripted.httpStatus, scripted.body, scripted.headers);
    this.#take(request, body, reply);
  }

  #take(request: IncomingMessage, body: Buffer, reply: (httpStatus: number, text: string) => void): void {
    if (Number(request.headers["content-length"]) !== body.length) return reply(400, answerJson(5, "length"));
    const parts = parseMultipart(request.headers["content-type"] ?? "", body);
    if (typeof parts === "string") return reply(400, answerJson(5, parts));
    const [part] = parts;
    if (parts.length !== 1 || part?.name !== "firmware") return reply(400, answerJson(7, "no firmware"));
    if (!["application/octet-stream", "application/x-binary"].includes(part.contentType)) {
      return reply(415, answerJson(8, part.contentType));
    }
    const sha256 = createHash("sha256").update(part.data).digest("hex");
    this.uploads.push({ ...part, sha256, sizeBytes: part.data.length });
    // esp_app_desc_t.version: at 16 of the descriptor, which follows the headers (24 + 8 bytes).
    const version = part.data.toString("latin1", 48, 80).split("\0")[0] ?? "";
    const isChanged = version !== this.runningVersion;
    const data = {
      bytes: part.data.length,
      partition: "ota_1",
      version,
      reboot_required: isChanged,
      version_changed: isChanged,
      filename: part.filename,
    };
    reply(200, JSON.stringify({ status: "ok", error_code: 0, message: "OTA image accepted", data }));
  }
}

/** The gateway's answer with an error code. */
export function answerJson(errorCode: number, message: string): string {
  return JSON.stringify({ status: "error", error_code: errorCode, message });
}

interface Part {
  readonly name: string;
  readonly filename: string;
  readonly contentType: string;
  readonly data: Buffer;
}

/** Reads a form strictly (RFC 7578, RFC 2046 section 5.1.1): nothing before the first part or after the last one. */
function parseMultipart(contentType: string, body: Buffer): Part[] | string {
  const boundary = /^multipart\/form-data; boundary=([0-9A-Za-z]{1,70})$/.exec(contentType)?.[1];
  if (boundary === undefined) return `content type ${contentType}`;
  const parts: Part[] = [];
  let offset = 0;
  const take = (text: string): boolean => {
    const isThere = body.toString("latin1", offset, offset + text.length) === text;
    if (isThere) offset += text.length;
    return isThere;
  };
  if (!take(`--${boundary}`)) return "it does not begin with the boundary";
  for (;;) {
    if (take("--\r\n")) return offset === body.length ? parts : "something follows the last boundary";
    if (!take("\r\n")) return "no line end after a boundary";
    const headersEnd = body.indexOf("\r\n\r\n", offset);
    if (headersEnd < 0) return "the headers of a part have no end";
    const headers = body.toString("utf8", offset, headersEnd).split("\r\n");
    const disposition = /^Content-Disposition: form-data; name="([^"]*)"; filename="([^"]*)"$/.exec(headers[0] ?? "");
    const type = /^Content-Type: ([^;]+)$/.exec(headers[1] ?? "");
    if (disposition === null || type === null || headers.length !== 2) return `headers ${JSON.stringify(headers)}`;
    const dataEnd = body.indexOf(`\r\n--${boundary}`, headersEnd + 4);
    if (dataEnd < 0) return "a part has no end";
    const data = body.subarray(headersEnd + 4, dataEnd);
    parts.push({ name: disposition[1] ?? "", filename: disposition[2] ?? "", contentType: type[1] ?? "", data });
    offset = dataEnd + 4 + boundary.length;
  }
}
