import {
  buildChunk,
  buildHashList,
  CHUNK_SIZE,
  decodeText,
  imageIdOf,
  parseStrictJson,
  sha256,
  toHex,
} from "@tinybms/ota-core";
import { isObject, type VectorObject, type VectorValue } from "./vector.ts";

/** Members that hold a document, whose member names stay unchanged. */
const DOCUMENTS: readonly string[] = ["record", "key_set"];

/** Converts values of the receiver to JSON and back: names in snake_case, bytes as objects. */
export class VectorJson {
  readonly #image: Uint8Array;
  readonly #imageId: string;
  /** Short forms of the image's parts, by their SHA-256. */
  readonly #parts: Map<string, VectorObject> = new Map();

  /** @param image - The vector's image. */
  constructor(image: Uint8Array) {
    this.#image = image;
    this.#imageId = imageIdOf(sha256(image));
    const name = (part: Uint8Array, form: VectorObject): unknown => this.#parts.set(toHex(sha256(part)), form);
    name(buildHashList(image), { hash_list: true });
    for (let index = 0; index * CHUNK_SIZE < image.length; index++) {
      const bytes = this.#chunkBytes(index);
      name(bytes, { image: [index * CHUNK_SIZE, bytes.length] });
      name(this.#chunk(index), { chunk: index });
    }
  }

  /** Converts a value of the receiver to JSON. Members that are `undefined` are left out. */
  encode(value: unknown): VectorValue {
    if (value instanceof Uint8Array) return this.encodeBytes(value);
    if (Array.isArray(value)) return value.map((item) => this.encode(item));
    if (typeof value !== "object" || value === null) return value as VectorValue;
    const members = Object.entries(value).flatMap(([name, member]) => {
      if (member === undefined) return [];
      const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      return [[snake, DOCUMENTS.includes(snake) ? (member as VectorValue) : this.encode(member)] as const];
    });
    return Object.fromEntries(members);
  }

  /** Converts JSON to a value of the receiver. */
  decode(value: VectorValue): unknown {
    if (Array.isArray(value)) return value.map((item: VectorValue) => this.decode(item));
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
  encodeBytes(bytes: Uint8Array): VectorObject {
    const [first] = bytes;
    if (first !== undefined && bytes.length > 16 && bytes.every((byte) => byte === first)) {
      return { fill: first, length: bytes.length };
    }
    const part = this.#parts.get(toHex(sha256(bytes)));
    if (part !== undefined) return part;
    const text = decodeText(bytes);
    return text === undefined || /[^\n\x20-\x7e]/.test(text)
      ? { b64: Buffer.from(bytes).toString("base64") }
      : { text };
  }

  /** Writes a message of the device: as a value if it is JSON. */
  encodeMessage(bytes: Uint8Array): VectorObject {
    const parsed = parseStrictJson(decodeText(bytes) ?? "");
    return parsed.ok && isObject(parsed.value) ? { json: parsed.value } : this.encodeBytes(bytes);
  }

  /**
   * Returns an action with all bytes in the form that this class writes. Receivers may write the same bytes in any
   * form.
   */
  canonical(action: VectorObject): VectorObject {
    const entries = Object.entries(action).map(([name, member]) => {
      const bytes = isObject(member) ? this.#decodeBytes(member) : undefined;
      if (bytes === undefined) return [name, member] as const;
      return [name, action.type === "publish" ? this.encodeMessage(bytes) : this.encodeBytes(bytes)] as const;
    });
    return Object.fromEntries(entries);
  }

  #decodeBytes(value: VectorObject): Uint8Array | undefined {
    const { text, b64, image, fill, length, chunk, hash_list: hashList } = value;
    if (typeof text === "string") return new TextEncoder().encode(text);
    if (typeof b64 === "string") return Uint8Array.from(Buffer.from(b64, "base64"));
    if (Array.isArray(image)) return this.#image.slice(Number(image[0]), Number(image[0]) + Number(image[1]));
    if (typeof fill === "number") return new Uint8Array(Number(length)).fill(fill);
    if (typeof chunk === "number" && Object.keys(value).length === 1) return this.#chunk(chunk);
    return hashList === true ? buildHashList(this.#image) : undefined;
  }

  #chunk(index: number): Uint8Array {
    return buildChunk({ image: this.#imageId, index, bytes: this.#chunkBytes(index) });
  }

  #chunkBytes(index: number): Uint8Array {
    return this.#image.subarray(index * CHUNK_SIZE, (index + 1) * CHUNK_SIZE);
  }
}
