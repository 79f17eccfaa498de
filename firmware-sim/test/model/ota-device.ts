import {
  buildAppImage,
  isSelectInvalid,
  isSelectValid,
  type OtadataEntry,
  OtaImageState,
  otadataEntry,
  otaSlotOfSequence,
  parseOtadataEntry,
} from "@tinybms/ota-core/esp";
import type { Hardware } from "../../src/boot/boot-options.ts";
import { type BootOutcome, runBootloader } from "../../src/boot/bootloader.ts";
import { EspErr } from "../../src/esp-err/esp-err.ts";
import { type AppContext, createAppContext, type EspPartition } from "../../src/esp-idf/app-context.ts";
import { esp_image_verify } from "../../src/esp-idf/esp-image.ts";
import { esp_ota_set_boot_partition } from "../../src/esp-idf/esp-ota-boot.ts";
import { esp_ota_get_partition_description } from "../../src/esp-idf/esp-ota-query.ts";
import { esp_ota_mark_app_valid_cancel_rollback } from "../../src/esp-idf/esp-ota-rollback.ts";
import { PowerCut } from "../../src/flash/power-cut.ts";
import { idfRelease } from "../../src/idf-release/idf-release.ts";
import { board, OTADATA_OFFSET, partition } from "../board-spec.ts";
import type { KnownApp, OtaModel } from "./ota-model.ts";

const { NEW, PENDING_VERIFY, VALID } = OtaImageState;

/** Images by version, each of two and a half sectors. */
const IMAGES: Map<string, Uint8Array> = new Map();

/** Returns the image of a version. */
export function imageOf(version: string): Uint8Array {
  const image = IMAGES.get(version) ?? buildAppImage({ version, sizeBytes: 10_000, seed: Number(version) });
  IMAGES.set(version, image);
  return image;
}

/** The system under test: a board, the app that runs on it, and the update that it writes. */
export class OtaDevice {
  readonly hardware: Hardware;
  app: AppContext;
  outcome: BootOutcome;
  handle: number | undefined;

  constructor(slotCount: number) {
    const slots = Array.from({ length: slotCount }, (_, slot) => slot);
    this.hardware = board({
      slots,
      empty: slots.slice(1),
      otadata: [otadataEntry(1, VALID), undefined],
      images: new Map([[0, { version: "1", sizeBytes: 10_000, seed: 1 }]]),
    });
    this.outcome = runBootloader(this.hardware);
    this.app = this.#start();
  }

  reboot(): void {
    this.handle = undefined;
    this.outcome = runBootloader(this.hardware);
    this.app = this.#start();
  }

  slot(number: number): EspPartition {
    return partition(this.app, `ota_${number}`);
  }

  get runningSlot(): number {
    if (this.outcome.kind !== "boots" || typeof this.outcome.slot !== "number") throw new Error("no OTA slot runs");
    return this.outcome.slot;
  }

  get runningVersion(): string {
    return this.app.running.descriptor?.version ?? "";
  }

  /** Returns the version of the app in a slot; `undefined` if it is incomplete. */
  versionIn(number: number): string | undefined {
    const slot = this.slot(number);
    if (esp_image_verify(this.app, slot) !== EspErr.ESP_OK) return undefined;
    return esp_ota_get_partition_description(this.app, slot).description?.version;
  }

  /** Returns the otadata entry that selects the running app. */
  get selectedEntry(): OtadataEntry | undefined {
    return this.#entries()
      .filter(isSelectValid)
      .sort((left, right) => right.sequence - left.sequence)[0];
  }

  /**
   * Runs `work` with a power cut at its n-th flash operation, then restores power.
   *
   * @returns `true` if the cut occurred; otherwise `work` was completed.
   */
  cut(work: () => void, operation: number, seed: number): boolean {
    const { flash } = this.hardware;
    // All of the operation takes effect, nothing, or its beginning. The CRC of an entry can't detect other tears.
    const variant = ["untouched", "done", undefined][seed % 3];
    flash.cutPowerAt({
      operation,
      moment: variant === undefined ? "before" : "during",
      seed,
      ...(variant && { variant }),
    });
    try {
      work();
      flash.disarm();
      return false;
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
      flash.powerOn();
      this.reboot();
      return true;
    }
  }

  /** Updates the model after a cut: the board shows which of the possible results occurred. */
  adopt(model: OtaModel): void {
    model.running = this.runningSlot;
    model.update = undefined;
    if (this.selectedEntry === undefined) {
      // The entry was torn and the other one is invalid. The agent selects the running slot again, and so does this.
      esp_ota_set_boot_partition(this.app, this.slot(this.runningSlot));
      esp_ota_mark_app_valid_cancel_rollback(this.app);
    }
    const known = this.#entries()
      .filter((entry) => isSelectValid(entry) || (isSelectInvalid(entry) && entry.sequence !== 0xffff_ffff))
      .sort((left, right) => right.sequence - left.sequence)
      .map((entry) => toKnownApp(entry, model.slotCount));
    const [newest, before] = known;
    if (newest === undefined) throw new Error("otadata has no valid entry");
    model.newest = newest;
    model.before = before;
  }

  #entries(): readonly OtadataEntry[] {
    return [0, 0x1000].map((offset) => parseOtadataEntry(this.hardware.flash.truth(OTADATA_OFFSET + offset, 32)));
  }

  #start(): AppContext {
    if (this.outcome.kind !== "boots") throw new Error(`nothing boots: ${this.outcome.log.join("\n")}`);
    return createAppContext(this.hardware, this.outcome, { idf: idfRelease("6.2-dev") });
  }
}

function toKnownApp(entry: OtadataEntry, slotCount: number): KnownApp {
  const states = new Map<number, KnownApp["state"]>([
    [NEW, "new"],
    [PENDING_VERIFY, "pending"],
    [VALID, "valid"],
  ]);
  const state = isSelectInvalid(entry) ? "given-up" : (states.get(entry.state) ?? "valid");
  return { slot: otaSlotOfSequence(entry.sequence, slotCount), state };
}
