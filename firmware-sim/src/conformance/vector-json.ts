import {
  buildChunk,
  buildHashList,
  CHUNK_SIZE,
  decodeText,
  equalBytes,
  imageIdOf,
  parseStrictJson,
  sha256,
  toHex,
} from "@tinybms/ota-core";
import { isObject, type Json, type JsonObject } from "./vector.ts";

/** Members whose names are part of a document, and stay as they are. */
const DOCUMENTS: readonly string[] = ["record", "key_set"];

/** Converts values of the receiver to JSON and back: names in snake_case, bytes as objects. */
export class VectorJson {
  readonly #image: Uint8Array;

  /** @param image - The vector's image. */
  constructor(image: Uint8Array) {
    this.#image = image;
  }

  /** Converts a value of the receiver to JSON. Members that are `undefined` are left out. */
  encode(value: unknown): Json {
    if (value instanceof Uint8Array) return this.encodeBytes(value);
    if (Array.isArray(value)) return value.map((item) => this.encode(item));
    if (typeof value !== "object" || value === null) return value as Json;
    const members = Object.entries(value).flatMap(([name, member]) => {
      if (member === undefined) return [];
      const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      return [[snake, DOCUMENTS.includes(snake) ? (member as Json) : this.encode(member)] as const];
    });
    return Object.fromEntries(members);
  }

  /** Converts JSON to a value of the receiver. */
  decode(value: Json): unknown {
    if (Array.isArray(value)) return value.map((item: Json) => this.decode(item));
    if (!isObject(value)) return value;
    const bytes = this.#decodeBytes(value);
    if (bytes !== undefined) return bytes;
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => {
        const camel = name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
        return [camel, DOCUMENTS.includes(name) ? member : this.decode(member)];
      }),
    );
  }

  /** Writes bytes in the shortest readable form. */
  encodeBytes(bytes: Uint8Array): JsonObject {
    const [first] = bytes;
    if (first !== undefined && bytes.length > 16 && bytes.every((byte) => byte === first)) {
      return { fill: first, length: bytes.length };
    }
    if (equalBytes(bytes, buildHashList(this.#image))) return { hash_list: true };
    for (let offset = 0; offset < this.#image.length; offset += CHUNK_SIZE) {
      const chunk = this.#image.subarray(offset, offset + CHUNK_SIZE);
      if (equalBytes(bytes, chunk)) return { image: [offset, chunk.length] };
      if (equalBytes(bytes, this.#chunk(offset / CHUNK_SIZE))) return { chunk: offset / CHUNK_SIZE };
    }
    const text = decodeText(bytes);
    return text === undefined || /[^\n\x20-\x7e]/.test(text)
      ? { b64: Buffer.from(bytes).toString("base64") }
      : { text };
  }

  /** Writes a message of the device: as a value if it is JSON. */
  encodeMessage(bytes: Uint8Array): JsonObject {
    const parsed = parseStrictJson(decodeText(bytes) ?? "");
    return parsed.ok && isObject(parsed.value) ? { json: parsed.value } : this.encodeBytes(bytes);
  }

  #decodeBytes(value: JsonObject): Uint8Array | undefined {
    const { text, b64, image, fill, length, chunk, hash_list: hashList } = value;
    if (typeof text === "string") return new TextEncoder().encode(text);
    if (typeof b64 === "string") return Uint8Array.from(Buffer.from(b64, "base64"));
    if (Array.isArray(image)) return this.#image.slice(Number(image[0]), Number(image[0]) + Number(image[1]));
    if (typeof fill === "number") return new Uint8Array(Number(length)).fill(fill);
    if (typeof chunk === "number" && Object.keys(value).length === 1) return this.#chunk(chunk);
    return hashList === true ? buildHashList(this.#image) : undefined;
  }

  #chunk(index: number): Uint8Array {
    const bytes = this.#image.subarray(index * CHUNK_SIZE, (index + 1) * CHUNK_SIZE);
    return buildChunk({ image: imageIdOf(toHex(sha256(this.#image))), index, bytes });
  }
}
