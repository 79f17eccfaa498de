/** Writes what the judge of `components/tinybms_ota/host/judge` reads; `judge.c` describes the form. */
import { buildReceiverRecord } from "@tinybms/ota-core";
import { buildKeySetRecord } from "@tinybms/ota-core/signing";
import {
  isObject,
  type VectorHeader,
  type VectorObject,
  type VectorValue,
} from "../../firmware-sim/src/conformance/vector.ts";
import type { VectorJson } from "../../firmware-sim/src/conformance/vector-json.ts";
import {
  ALGORITHMS,
  DeviceEvent,
  FLASH_OPERATIONS,
  NETWORKS,
  TIMERS,
} from "../../packages/ota-device-wasm/src/device-enums.ts";

/** Length of a blob that is NULL. */
const ABSENT = 0xffff_ffff;

const NO_DIGEST = "0".repeat(64);

/** Bytes in the making. */
class InputWriter {
  readonly #parts: Uint8Array[] = [];

  get bytes(): Uint8Array {
    return Buffer.concat(this.#parts);
  }

  raw(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    return this;
  }

  u32(value: VectorValue | undefined): this {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(Number(value) >>> 0);
    return this.raw(bytes);
  }

  u64(value: VectorValue | undefined): this {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(Number(value)));
    return this.raw(bytes);
  }

  blob(bytes: Uint8Array | undefined): this {
    return bytes === undefined ? this.u32(ABSENT) : this.u32(bytes.length).raw(bytes);
  }

  text(text: VectorValue | undefined): this {
    return this.blob(text === undefined || text === null ? undefined : Buffer.from(`${String(text)}\0`));
  }

  digest(digits: VectorValue | undefined): this {
    return this.raw(Buffer.from(String(digits ?? NO_DIGEST), "hex"));
  }
}

/** Returns the input with which a vector begins. */
export function vectorInput({ device, random_permille: permille }: VectorHeader): Uint8Array {
  const algorithms = Array.isArray(device.algorithms) ? device.algorithms : [];
  const keySet = isObject(device.key_set) ? Buffer.from(JSON.stringify(device.key_set)) : undefined;
  const input = new InputWriter().raw(Buffer.from("V"));
  input.text(device.device).text(device.topic_root).text(device.product);
  input.u32(device.chip_id);
  input.u32(ALGORITHMS.reduce((sum, [name, value]) => sum + (algorithms.includes(name) ? value : 0), 0));
  input.u32(device.allow_unsigned).u32(device.window).blob(keySet).u32(permille.length);
  for (const thousandths of permille) input.u32(thousandths);
  return input.bytes;
}

/** Returns the input of an event. */
export function eventInput(json: VectorJson, event: VectorObject): Uint8Array {
  const begun = (command: string): InputWriter => new InputWriter().raw(Buffer.from(command)).u64(event.now);
  const simple = (type: number, value: VectorValue | undefined = 0): Uint8Array =>
    begun("E").u32(type).u32(value).bytes;
  switch (event.type) {
    case "booted":
      return bootInput(begun("B"), event);
    case "connected":
      return simple(DeviceEvent.connected);
    case "disconnected":
      return simple(DeviceEvent.disconnected);
    case "cancel":
      return simple(DeviceEvent.cancel);
    case "timer":
      return simple(DeviceEvent.timer, indexOfName(TIMERS, event.timer));
    case "verified":
      return simple(DeviceEvent.verified, event.valid);
    case "self-test":
      return simple(DeviceEvent.selfTest, event.passed);
    case "network":
      return simple(DeviceEvent.network, indexOfName(NETWORKS, event.status));
    case "may-reboot":
      return simple(DeviceEvent.mayReboot, event.allowed);
    case "clock": {
      const isKnown = event.utc !== undefined && event.utc !== null;
      return begun("C")
        .u32(isKnown)
        .u64(isKnown ? event.utc : 0).bytes;
    }
    case "flash-done":
      return flashDoneInput(begun, json, objectOf(event.result));
    case "flash-failed":
      return begun("F").u32(indexOfName(FLASH_OPERATIONS, event.operation)).u32(event.esp_err).blob(undefined).bytes;
    case "message": {
      const payload = json.decode(event.payload ?? null) as Uint8Array;
      return begun("M")
        .blob(Buffer.from(String(event.topic)))
        .u32(event.retained)
        .blob(payload).bytes;
    }
    default:
      throw new Error(`vectors have no event ${String(event.type)}`);
  }
}

function bootInput(input: InputWriter, event: VectorObject): Uint8Array {
  const running = objectOf(event.running);
  const target = isObject(event.target) ? event.target : undefined;
  const { record, key_set: keySet } = event;
  input.text(running.version).text(running.project_name).text(running.slot).text(running.built_at);
  input.digest(running.sha256).u32(running.pending_verify).u32(event.clean_reset).u32(event.rollback);
  input
    .u32(target?.condemned ?? false)
    .u32(target?.size_bytes ?? 0)
    .u32(event.boot_count)
    .u32(event.secure_version);
  input.blob(isObject(keySet) ? Buffer.from(buildKeySetRecord(keySet as never)) : undefined);
  input.blob(isObject(record) ? Buffer.from(buildReceiverRecord(record as never)) : undefined);
  return input.bytes;
}

function flashDoneInput(begun: (command: string) => InputWriter, json: VectorJson, result: VectorObject): Uint8Array {
  const { operation } = result;
  if (operation !== "verify-image") {
    const bytes = isObject(result.bytes) ? (json.decode(result.bytes) as Uint8Array) : undefined;
    return begun("F").u32(indexOfName(FLASH_OPERATIONS, operation)).u32(0).blob(bytes).bytes;
  }
  const {
    esp_err: espErr = 0,
    sha256,
    chip_id: chipId = 0,
    secure_version: secureVersion = 0,
    ...image
  } = objectOf(result.image);
  const input = begun("I").u32(espErr).digest(result.stored_sha256).digest(sha256);
  return input
    .u32(chipId)
    .u32(secureVersion)
    .text(image.project_name ?? "").bytes;
}

function indexOfName(names: readonly string[], name: VectorValue | undefined): number {
  const index = names.indexOf(String(name));
  if (index === -1) throw new Error(`${String(name)} is not one of ${names.join(", ")}`);
  return index;
}

function objectOf(value: VectorValue | undefined): VectorObject {
  if (isObject(value)) return value;
  throw new Error(`not an object: ${JSON.stringify(value)}`);
}
