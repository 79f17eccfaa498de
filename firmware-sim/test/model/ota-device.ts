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

/** One image for each version, of two sectors and a half. */
const IMAGES: Map<string, Uint8Array> = new Map();

/** The image of a version. */
export function imageOf(version: string): Uint8Array {
  const image = IMAGES.get(version) ?? buildAppImage({ version, sizeBytes: 10_000, seed: Number(version) });
  IMAGES.set(version, image);
  return image;
}

/** The real system: a board, the app that runs on it, and the update that it writes. */
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

  /** The version of the app that a slot holds, if it is whole. */
  versionIn(number: number): string | undefined {
    const slot = this.slot(number);
    if (esp_image_verify(this.app, slot) !== EspErr.ESP_OK) return undefined;
    return esp_ota_get_partition_description(this.app, slot).description?.version;
  }

  /** The state of the entry that selects the running app, as otadata has it. */
  get selectedEntry(): OtadataEntry | undefined {
    return this.#entries()
      .filter(isSelectValid)
      .sort((left, right) => right.sequence - left.sequence)[0];
  }

  /**
   * Does something, and takes power away at its n-th flash operation; then gives it back.
   *
   * @returns Whether the cut fell; if not, all was done.
   */
  cut(work: () => void, operation: number, seed: number): boolean {
    const { flash } = this.hardware;
    // What stays is all, nothing, or a beginning: other tears of an entry its CRC can't tell, and no model can.
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

  /** What the model is after a cut: the board says which of the possible ways it went. */
  adopt(model: OtaModel): void {
    model.running = this.runningSlot;
    model.update = undefined;
    if (this.selectedEntry === undefined) {
      // An entry torn where the other one didn't count: the agent selects what runs anew, and so does this.
      esp_ota_set_boot_partition(this.app, this.slot(this.runningSlot));
      esp_ota_mark_app_valid_cancel_rollback(this.app);
    }
    const known = this.#entries()
      .filter((entry) => isSelectValid(entry) || (isSelectInvalid(entry) && entry.sequence !== 0xffff_ffff))
      .sort((left, right) => right.sequence - left.sequence)
      .map((entry) => toKnownApp(entry, model.slotCount));
    const [newest, before] = known;
    if (newest === undefined) throw new Error("otadata knows of no app");
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
