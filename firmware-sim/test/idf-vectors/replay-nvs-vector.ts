// Replays a recorded NVS case on the engine. README.md in this folder describes the fields.

import { crc32, gunzipSync } from "node:zlib";
import { equalBytes, fromHex, toHex } from "@tinybms/ota-core";
import { type NvsBehaviors, NvsStore, NvsType, nvsKeyFromText } from "@tinybms/ota-core/esp";
import { type VectorCut, VectorPartition, VectorPowerLoss } from "./vector-partition.ts";

const PAGE_SIZE = 4096;

/** Arguments of a call. */
interface NvsArgs {
  readonly namespace: string;
  readonly key: string;
  readonly create: boolean;
  readonly type: "u8" | "i8" | "u16" | "i16" | "u32" | "i32" | "u64" | "i64";
  /** Hexadecimal. */
  readonly value: string;
  readonly length: number;
  readonly seed: number;
  readonly at: number;
  readonly hex?: string;
  readonly size: number;
  readonly fill: number;
  readonly from: number;
  readonly to: number;
}

/** One call. */
interface NvsStep {
  readonly call: string;
  readonly args?: NvsArgs;
  readonly cut?: VectorCut;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly ops?: number;
  readonly crc?: number;
}

/** One case. */
export interface NvsVector {
  readonly id: string;
  readonly scenario: string;
  readonly pages: number;
  readonly steps: readonly NvsStep[];
  /** Base64 of the gzipped partition after the last step. */
  readonly end?: string;
}

type Result = Readonly<Record<string, unknown>>;

/**
 * Replays a case.
 *
 * @param onInit - Called with the cells before the partition is opened.
 * @returns The first difference, or `undefined`.
 */
export function replayNvsVector(
  vector: NvsVector,
  behaviors: NvsBehaviors,
  onInit: (cells: Uint8Array) => void = () => {},
): string | undefined {
  const partition = new VectorPartition(vector.pages * PAGE_SIZE);
  const app = new NvsApp(partition, behaviors);
  for (const [index, step] of vector.steps.entries()) {
    const before = partition.checksum;
    if (step.call === "init") onInit(partition.cells);
    partition.beginCall(step.cut);
    const got = { result: app.call(step), ops: partition.operationCount, crc: partition.checksum };
    const wanted = { result: step.result, ops: step.ops ?? 0, crc: step.crc ?? before };
    const isSame = got.ops === wanted.ops && got.crc === wanted.crc && isSameResult(got.result, wanted.result);
    if (isSame) continue;
    const call = `${vector.id} (${vector.scenario}), step ${index}: ${JSON.stringify({ ...step, result: undefined })}`;
    return `${call}\n  got    ${JSON.stringify(got)}\n  wanted ${JSON.stringify(wanted)}`;
  }
  const isEnd = vector.end === undefined || equalBytes(partition.cells, gunzipSync(Buffer.from(vector.end, "base64")));
  return isEnd ? undefined : `${vector.id} (${vector.scenario}): the partition differs at the end`;
}

/** State of the app in RAM. */
class NvsApp {
  readonly #partition: VectorPartition;
  readonly #behaviors: NvsBehaviors;
  #store: NvsStore | undefined;
  #namespaces: Map<string, number> = new Map();

  constructor(partition: VectorPartition, behaviors: NvsBehaviors) {
    this.#partition = partition;
    this.#behaviors = behaviors;
  }

  call(step: NvsStep): Result | undefined {
    try {
      return this.#call(step.call, step.args ?? ({} as NvsArgs));
    } catch (error) {
      if (error instanceof VectorPowerLoss) return { ...error.hit };
      throw error;
    }
  }

  #call(call: string, args: NvsArgs): Result | undefined {
    switch (call) {
      case "init":
        return this.#init();
      case "open":
        return this.#open(args);
      case "set_number":
        return this.#set(args, NvsType[args.type], fromHex(args.value)!);
      case "set_string":
        return this.#set(args, NvsType.string, stringOf(args));
      case "set_blob":
        return this.#set(args, NvsType.blob, blobOf(args));
      case "erase_key":
        return { code: this.#opened.erase(this.#indexOf(args), nvsKeyFromText(args.key)) };
      case "erase_all":
        return { code: this.#opened.eraseNamespace(this.#indexOf(args)) };
      case "get_number":
        return this.#get(args, NvsType[args.type], (data) => ({
          value: toHex(data.subarray(0, NvsType[args.type] & 0x0f)),
        }));
      case "get_string":
        return this.#get(args, NvsType.string, (data) => contentOf(data.subarray(0, -1)));
      case "get_blob":
        return this.#get(args, NvsType.blob, contentOf);
      case "stats":
        return this.#stats();
      case "damage":
        this.#partition.load(args.at, damageOf(args));
        return undefined;
      case "copy_page":
        this.#partition.load(args.to * PAGE_SIZE, this.#partition.read(args.from * PAGE_SIZE, PAGE_SIZE));
        return undefined;
      default:
        throw new Error(`no call is named ${call}`);
    }
  }

  get #opened(): NvsStore {
    if (this.#store === undefined) throw new Error("the partition is not open");
    return this.#store;
  }

  #init(): Result {
    this.#namespaces = new Map();
    const { err, store } = NvsStore.open(this.#partition, { behaviors: this.#behaviors });
    this.#store = store;
    return { code: err };
  }

  #open({ namespace, create }: NvsArgs): Result {
    const { err, index } = this.#opened.openNamespace(nvsKeyFromText(namespace), create);
    if (index === undefined) return { code: err };
    this.#namespaces.set(namespace, index);
    return { code: err, index };
  }

  #set(args: NvsArgs, type: number, data: Uint8Array): Result {
    const key = nvsKeyFromText(args.key);
    return { code: this.#opened.set({ namespaceIndex: this.#indexOf(args), type, key, data }) };
  }

  #get(args: NvsArgs, type: number, describe: (data: Uint8Array) => Result): Result {
    const key = nvsKeyFromText(args.key);
    const { err, data } = this.#opened.get({ namespaceIndex: this.#indexOf(args), type, key });
    return { code: err, ...(data && describe(data)) };
  }

  #stats(): Result {
    const { err, stats } = this.#opened.stats();
    if (stats === undefined) return { code: err };
    const { usedEntries: used, freeEntries: free, totalEntries: total, namespaceCount: namespaces } = stats;
    const { availableEntries: available } = stats;
    return { code: err, used, free, total, namespaces, ...(available !== undefined && { available }) };
  }

  #indexOf({ namespace }: NvsArgs): number {
    const index = this.#namespaces.get(namespace);
    if (index === undefined) throw new Error(`namespace ${namespace} is not open`);
    return index;
  }
}

function contentOf(data: Uint8Array): Result {
  return { length: data.length, crc: crc32(data) };
}

/** Returns the bytes of a blob. A plain loop for speed: the cases have megabytes of them. */
function blobOf({ length, seed }: NvsArgs): Uint8Array {
  const bytes = new Uint8Array(length);
  const first = Math.imul(31, seed);
  for (let index = 0; index < length; index++) bytes[index] = first + 7 * index + (index >> 8);
  return bytes;
}

/** With its NUL. */
function stringOf({ length, seed }: NvsArgs): Uint8Array {
  const bytes = new Uint8Array(length + 1);
  const first = Math.imul(31, seed);
  for (let index = 0; index < length; index++) bytes[index] = 97 + (((first + 7 * index + (index >> 8)) >>> 0) % 26);
  return bytes;
}

function damageOf({ hex, size, fill }: NvsArgs): Uint8Array {
  return hex === undefined ? new Uint8Array(size).fill(fill) : fromHex(hex)!;
}

function isSameResult(got: Result | undefined, wanted: Result | undefined): boolean {
  if (got === undefined || wanted === undefined) return got === wanted;
  const names = Object.keys(wanted);
  return names.length === Object.keys(got).length && names.every((name) => got[name] === wanted[name]);
}
