import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import type { Certificate } from "./certificate-authority.ts";

/** Hands the MQTT in WebSockets to a broker that speaks it over TCP alone. */
export interface WebSocketBridge {
  readonly port: number;
  close(): Promise<void>;
}

/** Starts a bridge; with a certificate it speaks TLS. */
export async function startWebSocketBridge(brokerPort: number, certificate?: Certificate): Promise<WebSocketBridge> {
  const server =
    certificate === undefined
      ? createHttpServer()
      : createHttpsServer({ cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) });
  const sockets = new Set<Duplex>();
  server.on("upgrade", (request, socket: Duplex) => {
    sockets.add(socket);
    const accept = createHash("sha1")
      .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    bridge(socket, brokerPort);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: address !== null && typeof address === "object" ? address.port : 0,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function bridge(socket: Duplex, brokerPort: number): void {
  const broker = connect(brokerPort, "127.0.0.1");
  let pending = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    pending = Buffer.concat([pending, bytes]);
    for (let frame = readFrame(pending); frame !== undefined; frame = readFrame(pending)) {
      pending = pending.subarray(frame.size);
      if (frame.opcode === 8) socket.end();
      else broker.write(frame.payload);
    }
  });
  broker.on("data", (bytes) => socket.write(buildFrame(bytes)));
  for (const [one, other] of [
    [socket, broker],
    [broker, socket],
  ] as const) {
    one.on("error", () => {});
    one.on("close", () => other.destroy());
  }
}

/** The first frame of a client's bytes (RFC 6455 section 5.2), unmasked; `undefined` until it is whole. */
function readFrame(bytes: Buffer): { opcode: number; payload: Buffer; size: number } | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes[1]! & 0x7f;
  const maskOffset = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < maskOffset + 4) return undefined;
  const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  const size = maskOffset + 4 + length;
  if (bytes.length < size) return undefined;
  const mask = bytes.subarray(maskOffset, maskOffset + 4);
  const payload = Buffer.from(bytes.subarray(maskOffset + 4, size)).map((byte, index) => byte ^ mask[index % 4]!);
  return { opcode: bytes[0]! & 0x0f, payload: Buffer.from(payload), size };
}

/** A binary frame of a server. */
function buildFrame(payload: Buffer): Buffer {
  const head = Buffer.alloc(10);
  head[0] = 0x82; // final, binary
  head[1] = 127; // the length stands in 8 bytes
  head.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([head, payload]);
}
