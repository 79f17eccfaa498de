// Makes the calls of a boot or app case and compares their results with those of ESP-IDF's own code.

import { crc32 } from "node:zlib";
import { toHex } from "@tinybms/ota-core";
import { AppSubtype, DataSubtype, type PartitionEntry, PartitionType } from "@tinybms/ota-core/esp";
import type { ResetReason } from "../../src/boot/boot-event.ts";
import type { Hardware } from "../../src/boot/boot-options.ts";
import { runBootloader } from "../../src/boot/bootloader.ts";
import { EspAbort } from "../../src/esp-err/esp-abort.ts";
import { EspErr } from "../../src/esp-err/esp-err.ts";
import { type AppContext, createAppContext, type EspPartition } from "../../src/esp-idf/app-context.ts";
import { esp_image_get_metadata, esp_image_verify } from "../../src/esp-idf/esp-image.ts";
import {
  esp_ota_get_boot_partition,
  esp_ota_set_boot_partition,
  esp_ota_set_boot_partition_skip_validate,
} from "../../src/esp-idf/esp-ota-boot.ts";
import {
  esp_ota_get_last_invalid_partition,
  esp_ota_get_next_update_partition,
  esp_ota_get_partition_description,
  esp_ota_get_running_partition,
  esp_ota_get_state_partition,
} from "../../src/esp-idf/esp-ota-query.ts";
import {
  esp_ota_check_rollback_is_possible,
  esp_ota_erase_last_boot_app_partition,
  esp_ota_invalidate_inactive_ota_data_slot,
  esp_ota_mark_app_invalid_rollback_and_reboot,
  esp_ota_mark_app_valid_cancel_rollback,
} from "../../src/esp-idf/esp-ota-rollback.ts";
import { esp_ota_resume, esp_ota_set_final_partition } from "../../src/esp-idf/esp-ota-staging.ts";
import { esp_ota_abort, esp_ota_begin, esp_ota_end, esp_ota_write } from "../../src/esp-idf/esp-ota-update.ts";
import { PowerCut } from "../../src/flash/power-cut.ts";
import type { IdfRelease } from "../../src/idf-release/idf-release.ts";
import { flashChecksum } from "./flash-checksum.ts";
import { type BoardVector, boardOfVector, entriesOf, type VectorImages, type VectorStep } from "./vector-board.ts";

type Result = VectorStep["result"];

/** Names of reset reasons in the vectors. */
const RESETS: Readonly<Partial<Record<ResetReason, string>>> = {
  "partition-table-invalid": "partition-table",
  "otadata-too-small": "otadata",
  "otadata-beyond-flash": "otadata",
  "divide-by-zero": "divide-by-zero",
};

/**
 * Replays a case.
 *
 * @param idf - Release of bootloader and app.
 * @returns The first difference, as a sentence; `undefined` if all results are equal.
 */
export function replayBoardVector(vector: BoardVector, images: VectorImages, idf: IdfRelease): string | undefined {
  const replay = new BoardReplay(vector, images, idf);
  for (const [index, step] of vector.steps.entries()) {
    const difference = replay.step(step);
    if (difference !== undefined) return `${vector.id}, step ${index} (${step.call}): ${difference}`;
  }
  return undefined;
}

class BoardReplay {
  readonly #vector: BoardVector;
  readonly #images: VectorImages;
  readonly #idf: IdfRelease;
  readonly #hardware: Hardware;
  readonly #entries: readonly PartitionEntry[];
  readonly #otadata: PartitionEntry | undefined;
  #app: AppContext | undefined;
  #known: { flash: number; otadata: string; otadataChecksum: number; efuse: number };

  constructor(vector: BoardVector, images: VectorImages, idf: IdfRelease) {
    this.#vector = vector;
    this.#images = images;
    this.#idf = idf;
    this.#hardware = boardOfVector(vector, images);
    this.#entries = entriesOf(vector);
    this.#otadata = this.#entries.find(
      ({ type, subtype }) => type === PartitionType.DATA && subtype === DataSubtype.OTA,
    );
    const { flash, otadata_crc: otadataChecksum, efuse } = vector;
    this.#known = { flash, otadata: this.#otadataEntries(), otadataChecksum, efuse };
  }

  step(step: VectorStep): string | undefined {
    const { flash, efuse } = this.#hardware;
    const before = flash.operationCount;
    if (step.cut !== undefined) flash.cutPowerAt({ operation: step.cut + 1, moment: "before" });
    const result = this.#call(step);
    flash.disarm();
    this.#known = {
      flash: step.flash ?? this.#known.flash,
      otadata: step.otadata?.join(" ") ?? this.#known.otadata,
      otadataChecksum: step.otadata_crc ?? this.#known.otadataChecksum,
      efuse: step.efuse ?? this.#known.efuse,
    };
    const found = {
      ...this.#known,
      flash: flashChecksum(flash, this.#vector.end),
      ...(step.ops === undefined ? {} : { otadata: this.#otadataEntries(), otadataChecksum: this.#otadataChecksum() }),
      efuse: efuse.secureVersion,
    };
    const pairs: [string, unknown, unknown][] = [
      ["result", step.result, result],
      ["ops", step.ops ?? 0, flash.operationCount - before],
      ["state", this.#known, found],
    ];
    for (const [what, wanted, got] of pairs) {
      const [wantedText, gotText] = [JSON.stringify(sorted(wanted)), JSON.stringify(sorted(got))];
      if (wantedText !== gotText) return `${what} is ${gotText}, ESP-IDF's ${wantedText}`;
    }
    return undefined;
  }

  #call(step: VectorStep): Result {
    try {
      const result = step.call === "boot" ? this.#boot(step) : callApp(this.#running(), step, this);
      if (result.restart === true) this.#app = undefined;
      return result;
    } catch (error) {
      this.#app = undefined;
      if (error instanceof EspAbort) return { abort: true };
      if (!(error instanceof PowerCut)) throw error;
      this.#hardware.flash.powerOn();
      return { power: "lost" };
    }
  }

  #running(): AppContext {
    if (this.#app === undefined) throw new Error(`${this.#vector.id}: no app runs`);
    return this.#app;
  }

  #boot({ args = {} }: VectorStep): Result {
    const { rollback, anti_rollback: antiRollback } = this.#vector;
    const options = { rollback, antiRollback, idf: this.#idf };
    this.#app = undefined;
    // The vectors do not record what ESP-IDF does if the pin is set and there is no test partition.
    const hasTest = this.#entries.some(
      ({ type, subtype }) => type === PartitionType.APP && subtype === AppSubtype.TEST,
    );
    const testAppPin = args.test_pin === true && hasTest;
    const outcome = runBootloader(this.#hardware, { ...options, testAppPin });
    if (outcome.kind === "reset-loop") return { resets: RESETS[outcome.reason] ?? "no-bootable-app" };
    this.#app = createAppContext(this.#hardware, outcome, options);
    return { boots: outcome.partition.offset };
  }

  /** Returns the partition that a call names by its index in the table. */
  partition(index: unknown): EspPartition | undefined {
    if (typeof index !== "number") return undefined;
    const entry = this.#entries[index]!;
    return this.#running().partitions.find(({ address, label }) => address === entry.offset && label === entry.label);
  }

  image(name: unknown): Uint8Array {
    return this.#images.get(String(name))!;
  }

  #otadataEntries(): string {
    if (this.#otadata === undefined) return "";
    const { offset, size } = this.#otadata;
    const second = size < 0x2000 ? offset : offset + 0x1000;
    return [offset, second].map((address) => toHex(this.#hardware.flash.truth(address, 32))).join(" ");
  }

  #otadataChecksum(): number {
    return this.#otadata === undefined
      ? 0
      : crc32(this.#hardware.flash.truth(this.#otadata.offset, this.#otadata.size));
  }
}

/** Makes a call of the app. */
function callApp(
  app: AppContext,
  { call, args = {} }: VectorStep,
  replay: Pick<BoardReplay, "partition" | "image">,
): Result {
  const target = replay.partition(args.partition);
  const handle = Number(args.handle);
  switch (call) {
    case "esp_ota_begin":
      return coded(esp_ota_begin(app, target, Number(args.image_size)));
    case "esp_ota_resume":
      return coded(esp_ota_resume(app, target, Number(args.erase_size), Number(args.image_offset)));
    case "esp_ota_write": {
      const [at, size] = [Number(args.at), Number(args.size)];
      const data = replay.image(args.image).slice(at, at + size);
      if (typeof args.first_byte === "number") data[0] = args.first_byte;
      return { code: esp_ota_write(app, handle, data) };
    }
    case "esp_ota_end":
      return { code: esp_ota_end(app, handle) };
    case "esp_ota_abort":
      return { code: esp_ota_abort(app, handle) };
    case "esp_ota_set_final_partition":
      return { code: esp_ota_set_final_partition(app, handle, target, args.copy === true) };
    case "esp_ota_set_boot_partition":
      return { code: esp_ota_set_boot_partition(app, target) };
    case "esp_ota_set_boot_partition_skip_validate":
      return { code: esp_ota_set_boot_partition_skip_validate(app, target) };
    case "esp_ota_mark_app_valid_cancel_rollback":
      return { code: esp_ota_mark_app_valid_cancel_rollback(app) };
    case "esp_ota_mark_app_invalid_rollback_and_reboot": {
      const { err, restart } = esp_ota_mark_app_invalid_rollback_and_reboot(app);
      return { code: err, ...(restart ? { restart } : {}) };
    }
    case "esp_ota_erase_last_boot_app_partition":
      return { code: esp_ota_erase_last_boot_app_partition(app) };
    case "esp_ota_invalidate_inactive_ota_data_slot":
      return { code: esp_ota_invalidate_inactive_ota_data_slot(app) };
    default:
      return queryApp(app, call, target);
  }
}

/** Makes a call that changes nothing. */
function queryApp(app: AppContext, call: string, target: EspPartition | undefined): Result {
  switch (call) {
    case "esp_ota_check_rollback_is_possible":
      return { possible: esp_ota_check_rollback_is_possible(app) };
    case "esp_ota_get_boot_partition":
      return { partition: esp_ota_get_boot_partition(app)?.address ?? null };
    case "esp_ota_get_running_partition":
      return { partition: esp_ota_get_running_partition(app).address };
    case "esp_ota_get_next_update_partition":
      return { partition: esp_ota_get_next_update_partition(app, target)?.address ?? null };
    case "esp_ota_get_last_invalid_partition":
      return { partition: esp_ota_get_last_invalid_partition(app)?.address ?? null };
    case "esp_ota_get_state_partition": {
      const { err, state } = esp_ota_get_state_partition(app, target);
      return { code: err, ...(state === undefined ? {} : { state }) };
    }
    case "esp_ota_get_partition_description": {
      const { err, description } = esp_ota_get_partition_description(app, target);
      return { code: err, ...(description === undefined ? {} : { secure_version: description.secureVersion }) };
    }
    case "esp_image_verify":
      return { code: target === undefined ? EspErr.ESP_ERR_INVALID_ARG : esp_image_verify(app, target) };
    case "esp_image_get_metadata": {
      if (target === undefined) return { code: EspErr.ESP_ERR_INVALID_ARG };
      const { err, image } = esp_image_get_metadata(app, target);
      return { code: err, ...(image === undefined ? {} : { image_len: image.imageSizeBytes }) };
    }
    default:
      throw new Error(`no call ${call}`);
  }
}

function coded({ err, handle }: { readonly err: number; readonly handle?: number }): Result {
  return { code: err, ...(handle === undefined ? {} : { handle }) };
}

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)));
}
