import { concatBytes, parseReceiverRecord, type ReceiverAction, sha256, toHex, utf8 } from "@tinybms/ota-core";
import { parseKeySetRecord, type SignatureAlgorithm } from "@tinybms/ota-core/signing";
import { DeviceBlock } from "./device-block.ts";
import { ALGORITHMS, FLASH_OPERATIONS, Keys, KINDS, Store, TIMERS } from "./device-enums.ts";
import type { Address, DeviceImports, DeviceModule } from "./device-module.ts";

/** Key sets of a device, as texts. */
export interface DeviceKeys {
  /** JSON of the provisioned key set. */
  readonly provisioned: string | undefined;
  /** The stored key set with its check value. */
  stored: string | undefined;
}

/** Host of a machine: collects its actions, and lends it key sets. */
export class DeviceHost implements DeviceImports {
  readonly #module: DeviceModule;
  readonly #random: () => number;
  readonly #keys: DeviceKeys;
  readonly #lent: Map<number, { readonly block: DeviceBlock; readonly text: string; readonly length: number }> =
    new Map();
  #actions: ReceiverAction[] = [];

  /** @param random - Returns a number from 0 (inclusive) to 1 (exclusive). */
  constructor(module: DeviceModule, random: () => number, keys: DeviceKeys) {
    this.#module = module;
    this.#random = random;
    this.#keys = keys;
  }

  /** Returns the actions since the last call. */
  takeActions(): ReceiverAction[] {
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }

  /** Frees the memory of lent key sets. */
  free(): void {
    for (const { block } of this.#lent.values()) block.free();
    this.#lent.clear();
  }

  subscribe(topic: Address): void {
    this.#actions.push({ type: "subscribe", topic: this.#module.textAt(topic) });
  }

  unsubscribe(topic: Address): void {
    this.#actions.push({ type: "unsubscribe", topic: this.#module.textAt(topic) });
  }

  publish(topic: Address, payload: Address, length: number, qos: number, retain: number): void {
    this.#actions.push({
      type: "publish",
      topic: this.#module.textAt(topic),
      payload: this.#module.copyOf(payload, length),
      qos: qos === 0 ? 0 : 1,
      retain: retain !== 0,
    });
  }

  set_timer(timer: number, at: number): void {
    this.#actions.push({ type: "set-timer", timer: named(TIMERS, timer), at });
  }

  clear_timer(timer: number): void {
    this.#actions.push({ type: "clear-timer", timer: named(TIMERS, timer) });
  }

  flash(operation: number, offset: number, length: number, bytes: Address): void {
    const type = named(FLASH_OPERATIONS, operation);
    switch (type) {
      case "read-flash":
        this.#actions.push({ type, offset, length });
        return;
      case "erase-sector":
        this.#actions.push({ type, offset });
        return;
      case "program":
        this.#actions.push({ type, offset, bytes: this.#module.copyOf(bytes, length) });
        return;
      case "verify-image":
        this.#actions.push({ type, length });
        return;
      default:
        this.#actions.push({ type });
    }
  }

  store(what: number, address: Address, length: number): void {
    const text = new TextDecoder().decode(this.#module.copyOf(address, length));
    if (what === Store.record) {
      const record = parseReceiverRecord(text);
      if (record === undefined) throw new Error(`the machine stored a text that is not a record: ${text}`);
      this.#actions.push({ type: "store", record });
      return;
    }
    const keySet = parseKeySetRecord(text);
    if (keySet === undefined) throw new Error(`the machine stored a text that is not a key set: ${text}`);
    this.#keys.stored = text;
    this.#actions.push({ type: "store-key-set", keySet });
  }

  lend_keys(which: number): Address {
    const text = which === Keys.provisioned ? this.#keys.provisioned : this.#keys.stored;
    if (text === undefined) return 0;
    const lent = this.#lent.get(which);
    if (lent?.text === text) return lent.block.address;
    lent?.block.free();
    const bytes = utf8(text);
    const block = new DeviceBlock(this.#module, bytes.length + 8);
    block.put(bytes);
    this.#lent.set(which, { block, text, length: bytes.length });
    return block.address;
  }

  keys_length(which: number): number {
    return this.lend_keys(which) === 0 ? 0 : (this.#lent.get(which)?.length ?? 0);
  }

  renew_will(): void {
    this.#actions.push({ type: "renew-will" });
  }

  reboot(): void {
    this.#actions.push({ type: "reboot" });
  }

  sha256(head: Address, headLength: number, body: Address, bodyLength: number, digest: Address): void {
    const memory = this.#module.bytes;
    const first = memory.subarray(head, head + headLength);
    const whole = bodyLength === 0 ? first : concatBytes([first, memory.subarray(body, body + bodyLength)]);
    memory.set(sha256(whole), digest);
  }

  verify(
    kind: number,
    algorithm: number,
    spki: Address,
    spkiLength: number,
    payload: Address,
    payloadLength: number,
    signature: Address,
    signatureLength: number,
  ): void {
    this.#actions.push({
      type: "verify",
      algorithm: algorithmOf(algorithm),
      spki: sharedKey(this.#module.copyOf(spki, spkiLength)),
      kind: named(KINDS, kind),
      payload: this.#module.copyOf(payload, payloadLength),
      signature: this.#module.copyOf(signature, signatureLength),
    });
  }

  random_below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

/** Keys that machines asked to verify with, by their bytes in hexadecimal. */
const KEYS = new Map<string, Uint8Array>();

const KEYS_MAX = 256;

/** Returns the same array for the same key, because `carryOutVerify` remembers keys by their array. */
function sharedKey(spki: Uint8Array): Uint8Array {
  const name = toHex(spki);
  const known = KEYS.get(name);
  if (known !== undefined) return known;
  if (KEYS.size === KEYS_MAX) KEYS.clear();
  KEYS.set(name, spki);
  return spki;
}

function named<Name>(names: readonly Name[], value: number): Name {
  const name = names[value];
  if (name === undefined) throw new RangeError(`the machine used the unknown number ${value}`);
  return name;
}

function algorithmOf(value: number): SignatureAlgorithm {
  const found = ALGORITHMS.find(([, number]) => number === value);
  if (found === undefined) throw new RangeError(`the machine used the unknown algorithm ${value}`);
  return found[0];
}
