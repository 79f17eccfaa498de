import { toHex } from "../src/bytes.ts";
import { verifyAppImage } from "../src/image/app-image.ts";
import { parseAppImage } from "../src/image/app-image-scanner.ts";
import { CHUNK_SIZE } from "../src/messages/timing.ts";
import { carryOutVerify } from "../src/receiver/carry-out-verify.ts";
import { buildKeySetRecord, parseKeySetRecord } from "../src/receiver/key-set-record.ts";
import type {
  FlashResult,
  ReceiverAction,
  ReceiverEvent,
  RefusedImage,
  StoredImage,
} from "../src/receiver/receiver-events.ts";
import type { ReceiverOptions } from "../src/receiver/receiver-options.ts";
import { buildReceiverRecord, parseReceiverRecord, type ReceiverRecord } from "../src/receiver/receiver-record.ts";
import { sha256 } from "../src/sha256.ts";
import type { SignatureVerifier } from "../src/signing/signature-verifier.ts";
import { earliestBuildTime } from "../src/signing/time-floor.ts";
import { createReceiver, type ReceiverUnderTest } from "./receiver-under-test.ts";

/** An event without its time. A message is a live one unless said otherwise. */
type Untimed<Event> = Event extends { readonly retained: boolean }
  ? Omit<Event, "now" | "retained"> & { readonly retained?: boolean }
  : Event extends unknown
    ? Omit<Event, "now">
    : never;

export interface DeviceBenchOptions {
  readonly receiver: ReceiverOptions;
  /** @defaultValue `verifySignature` */
  readonly verify?: SignatureVerifier | undefined;
  readonly running: Uint8Array;
  readonly slotSizeBytes?: number;
  readonly now: () => number;
  /** What leaves the device for the network or for time. */
  readonly onAction: (action: ReceiverAction, device: BenchDevice) => void;
}

/**
 * The smallest device a receiver can live on: two slots as plain bytes and a record, without bootloader or otadata.
 * The real thing is the simulator; this one is for tests of the protocol alone.
 */
export class BenchDevice {
  readonly #options: DeviceBenchOptions;
  readonly actions: ReceiverAction[] = [];
  readonly slots: [Uint8Array, Uint8Array];
  receiver: ReceiverUnderTest;
  runningSlot: 0 | 1 = 0;
  bootSlot: 0 | 1 = 0;
  pendingVerify = false;
  condemned = false;
  bootCount = 0;
  writtenSectors: number[] = [];
  erases = 0;
  record: string | undefined;
  keySet: string | undefined;
  stores = 0;

  constructor(options: DeviceBenchOptions) {
    this.#options = options;
    const size = options.slotSizeBytes ?? 64 * CHUNK_SIZE;
    this.slots = [new Uint8Array(size).fill(0xff), new Uint8Array(size).fill(0xff)];
    this.slots[0].set(options.running);
    this.receiver = createReceiver(options.receiver);
  }

  get running(): Uint8Array {
    const slot = this.slots[this.runningSlot];
    return slot.subarray(0, parseAppImage(slot).imageSize);
  }

  get target(): Uint8Array {
    return this.slots[this.runningSlot === 0 ? 1 : 0];
  }

  boot(cleanReset: boolean): void {
    this.receiver = createReceiver(this.#options.receiver);
    this.bootCount++;
    const { descriptor } = parseAppImage(this.running);
    const builtAt = descriptor === undefined ? undefined : earliestBuildTime(descriptor);
    this.feed({
      type: "booted",
      running: {
        version: descriptor?.version ?? "",
        projectName: descriptor?.projectName ?? "",
        ...(builtAt === undefined ? {} : { builtAt }),
        slot: `ota_${this.runningSlot}`,
        sha256: toHex(sha256(this.running)),
        pendingVerify: this.pendingVerify,
      },
      target: { slot: `ota_${1 - this.runningSlot}`, sizeBytes: this.target.length, condemned: this.condemned },
      record: this.record === undefined ? undefined : parseReceiverRecord(this.record),
      keySet: this.keySet === undefined ? undefined : parseKeySetRecord(this.keySet),
      bootCount: this.bootCount,
      cleanReset,
      rollback: true,
      secureVersion: 0,
    });
  }

  /** Hands an event to the receiver and carries out what it answers, flash operations at once. */
  feed(event: Untimed<ReceiverEvent>): void {
    const events: Untimed<ReceiverEvent>[] = [event];
    for (let next = events.shift(); next !== undefined; next = events.shift()) {
      const receiver = this.receiver;
      for (const action of receiver.handle({ retained: false, ...next, now: this.#options.now() } as ReceiverEvent)) {
        this.actions.push(action);
        const answer = this.#carryOut(action);
        if (answer !== undefined) events.push(answer);
        if (this.receiver !== receiver) return; // it rebooted: what was queued belongs to the past
      }
    }
  }

  #carryOut(action: ReceiverAction): Untimed<ReceiverEvent> | undefined {
    switch (action.type) {
      case "read-flash": {
        const bytes = this.target.slice(action.offset, action.offset + action.length);
        return { type: "flash-done", result: { operation: "read-flash", bytes } };
      }
      case "verify":
        return { type: "verified", valid: carryOutVerify(action, this.#options.verify) };
      case "erase-sector":
        this.erases++;
        this.target.fill(0xff, action.offset, action.offset + CHUNK_SIZE);
        return { type: "flash-done", result: { operation: "erase-sector" } };
      case "program":
        for (const [index, byte] of action.bytes.entries()) this.target[action.offset + index]! &= byte;
        this.writtenSectors.push(action.offset / CHUNK_SIZE);
        return { type: "flash-done", result: { operation: "program" } };
      case "verify-image":
        return { type: "flash-done", result: this.#verify(action.length) };
      case "invalidate-otadata":
        this.condemned = false;
        return { type: "flash-done", result: { operation: "invalidate-otadata" } };
      case "set-boot-partition":
        this.bootSlot = this.runningSlot === 0 ? 1 : 0;
        return { type: "flash-done", result: { operation: "set-boot-partition" } };
      case "mark-valid":
        this.pendingVerify = false;
        return { type: "flash-done", result: { operation: "mark-valid" } };
      case "store-key-set":
        this.stores++;
        this.keySet = buildKeySetRecord(action.keySet);
        return undefined;
      case "store":
        this.stores++;
        this.record = buildReceiverRecord(action.record satisfies ReceiverRecord);
        return undefined;
      case "roll-back":
        this.runningSlot = this.runningSlot === 0 ? 1 : 0;
        this.bootSlot = this.runningSlot;
        this.pendingVerify = false;
        this.condemned = true;
        this.#options.onAction(action, this);
        return undefined;
      case "reboot":
        this.pendingVerify = this.bootSlot !== this.runningSlot;
        this.runningSlot = this.bootSlot;
        this.#options.onAction(action, this);
        return undefined;
      default:
        this.#options.onAction(action, this);
        return undefined;
    }
  }

  #verify(length: number): Extract<FlashResult, { operation: "verify-image" }> {
    const storedSha256 = toHex(sha256(this.target.subarray(0, length)));
    return { operation: "verify-image", storedSha256, image: this.#storedImage() };
  }

  #storedImage(): StoredImage | RefusedImage {
    try {
      const image = parseAppImage(this.target);
      verifyAppImage(image);
      const { descriptor, header, imageSize } = image;
      return {
        sha256: toHex(sha256(this.target.subarray(0, imageSize))),
        chipId: header.chipId,
        secureVersion: descriptor?.secureVersion ?? 0,
        projectName: descriptor?.projectName ?? "",
      };
    } catch {
      return { espErr: 0x1503 };
    }
  }
}

/** An image's chunks, in order. */
export function chunksOf(image: Uint8Array): Uint8Array[] {
  return Array.from({ length: Math.ceil(image.length / CHUNK_SIZE) }, (_, index) =>
    image.subarray(index * CHUNK_SIZE, (index + 1) * CHUNK_SIZE),
  );
}
