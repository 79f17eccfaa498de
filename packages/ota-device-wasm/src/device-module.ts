import { readFileSync } from "node:fs";

/** The part of WebAssembly's JavaScript interface that is used. TypeScript declares it only for browsers. */
declare const WebAssembly: {
  readonly Module: new (code: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (
    module: object,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => { readonly exports: unknown };
};

/** An address in the module's memory. */
export type Address = number;

/** Functions of `components/tinybms_ota/wasm/wasm.c`. Strings are addresses of zero-terminated UTF-8. */
export interface DeviceExports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  readonly __heap_base: { readonly value: number };
  port_size(): number;
  memory_size(slot: number): number;
  init(
    port: Address,
    context: number,
    device: Address,
    topicRoot: Address,
    product: Address,
    chipId: number,
    algorithms: number,
    allowUnsigned: number,
    window: number,
    timing: Address,
    memory: Address,
    size: number,
  ): Address;
  boot(
    machine: Address,
    now: number,
    version: Address,
    projectName: Address,
    slot: Address,
    builtAt: Address,
    sha256: Address,
    flags: number,
    targetSize: number,
    bootCount: number,
    secureVersion: number,
    record: Address,
    recordLength: number,
  ): void;
  handle(machine: Address, type: number, now: number, value: number): void;
  handle_clock(machine: Address, now: number, isKnown: number, utcMs: number): void;
  handle_flash(machine: Address, now: number, operation: number, espErr: number, bytes: Address, length: number): void;
  handle_image(
    machine: Address,
    now: number,
    storedSha256: Address,
    espErr: number,
    sha256: Address,
    chipId: number,
    secureVersion: number,
    projectName: Address,
  ): void;
  rx_begin(machine: Address, topic: Address, topicLength: number, total: number, isRetained: number): number;
  rx_data(machine: Address, offset: number, bytes: Address, length: number): void;
  rx_end(machine: Address, now: number): void;
  report(machine: Address, isOnline: number, out: Address, size: number): number;
  status(machine: Address, out: Address): void;
  state_text(state: number): Address;
}

/** Functions that the module imports from its host. The first parameter is the machine's context. */
export interface DeviceImports {
  subscribe(topic: Address): void;
  unsubscribe(topic: Address): void;
  publish(topic: Address, payload: Address, length: number, qos: number, retain: number): void;
  set_timer(timer: number, at: number): void;
  clear_timer(timer: number): void;
  flash(operation: number, offset: number, length: number, bytes: Address): void;
  store(what: number, text: Address, length: number): void;
  lend_keys(which: number): Address;
  keys_length(which: number): number;
  renew_will(): void;
  reboot(): void;
  sha256(head: Address, headLength: number, body: Address, bodyLength: number, digest: Address): void;
  verify(
    kind: number,
    algorithm: number,
    spki: Address,
    spkiLength: number,
    payload: Address,
    payloadLength: number,
    signature: Address,
    signatureLength: number,
  ): void;
  random_below(limit: number): number;
}

const IMPORT_NAMES = [
  "subscribe",
  "unsubscribe",
  "publish",
  "set_timer",
  "clear_timer",
  "flash",
  "store",
  "lend_keys",
  "keys_length",
  "renew_will",
  "reboot",
  "sha256",
  "verify",
  "random_below",
] as const satisfies readonly (keyof DeviceImports)[];

const PAGE_SIZE = 65_536;

/** Smallest block, so that a freed block fits most requests. */
const BLOCK_SIZE_MIN = 1024;

/**
 * One instance of the module for all machines of a process, because creating an instance takes a hundred times as long
 * as creating a machine. Allocates and frees blocks of its memory.
 */
export class DeviceModule {
  readonly exports: DeviceExports;
  readonly #hosts: Map<number, DeviceImports> = new Map();
  readonly #free: Map<number, Address[]> = new Map();
  readonly #stateNames: Map<number, string> = new Map();
  #lastContext = 0;
  #top: Address;
  #bytes: Uint8Array;

  /** @param code - The compiled module. */
  constructor(code: Uint8Array<ArrayBuffer>) {
    const port = Object.fromEntries(IMPORT_NAMES.map((name) => [name, this.#forward(name)]));
    const instance = new WebAssembly.Instance(new WebAssembly.Module(code), { port });
    this.exports = instance.exports as DeviceExports;
    this.#top = this.exports.__heap_base.value;
    this.#bytes = new Uint8Array(this.exports.memory.buffer);
  }

  /** The module's memory. Ask for it again after each allocation and each call: growing replaces it. */
  get bytes(): Uint8Array {
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(this.exports.memory.buffer);
    return this.#bytes;
  }

  /** Number of machines that were not disposed. */
  get machineCount(): number {
    return this.#hosts.size;
  }

  /** Registers the host of a machine, and returns the machine's context. */
  addHost(host: DeviceImports): number {
    this.#lastContext++;
    this.#hosts.set(this.#lastContext, host);
    return this.#lastContext;
  }

  /** Removes the host of a machine. */
  removeHost(context: number): void {
    this.#hosts.delete(context);
  }

  /** Allocates a block of at least `size` bytes, aligned to 16. Its content is undefined. */
  allocate(size: number): Address {
    const blockSize = blockSizeOf(size);
    const freed = this.#free.get(blockSize)?.pop();
    if (freed !== undefined) return freed;
    const address = (this.#top + 15) & ~15;
    this.#top = address + blockSize;
    const missing = this.#top - this.bytes.length;
    if (missing > 0) this.exports.memory.grow(Math.ceil(missing / PAGE_SIZE));
    return address;
  }

  /**
   * Frees a block.
   *
   * @param size - The allocated size.
   */
  free(address: Address, size: number): void {
    const blockSize = blockSizeOf(size);
    const freed = this.#free.get(blockSize);
    if (freed === undefined) this.#free.set(blockSize, [address]);
    else freed.push(address);
  }

  /** Returns a copy of some bytes of the memory. */
  copyOf(address: Address, length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.bytes.subarray(address, address + length));
  }

  /** Returns a zero-terminated text. */
  textAt(address: Address): string {
    const { bytes } = this;
    return new TextDecoder().decode(bytes.subarray(address, bytes.indexOf(0, address)));
  }

  /** Returns the name of a state, as reports have it. */
  stateName(state: number): string {
    const known = this.#stateNames.get(state);
    if (known !== undefined) return known;
    const text = this.textAt(this.exports.state_text(state));
    this.#stateNames.set(state, text);
    return text;
  }

  #forward(name: (typeof IMPORT_NAMES)[number]): (context: number, ...values: number[]) => number | undefined {
    return (context, ...values) => {
      const host = this.#hosts.get(context);
      const method = host?.[name] as ((...values: number[]) => number | undefined) | undefined;
      return method?.apply(host, values);
    };
  }
}

function blockSizeOf(size: number): number {
  return Math.max(BLOCK_SIZE_MIN, 2 ** Math.ceil(Math.log2(size)));
}

let shared: DeviceModule | undefined;

/** Returns the module of this process, which the first call creates. */
export function sharedDeviceModule(): DeviceModule {
  shared ??= new DeviceModule(new Uint8Array(readFileSync(new URL("../tinybms_ota.wasm", import.meta.url))));
  return shared;
}
