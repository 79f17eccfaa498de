// fast-check runs random commands on a board and on a small model of what ESP-IDF's documentation promises.
import fc from "fast-check";
import { expect, test } from "vitest";
import { EspErr } from "../../src/esp-err/esp-err.ts";
import { esp_ota_get_boot_partition, esp_ota_set_boot_partition } from "../../src/esp-idf/esp-ota-boot.ts";
import { esp_ota_get_state_partition } from "../../src/esp-idf/esp-ota-query.ts";
import {
  esp_ota_check_rollback_is_possible,
  esp_ota_mark_app_invalid_rollback_and_reboot,
  esp_ota_mark_app_valid_cancel_rollback,
} from "../../src/esp-idf/esp-ota-rollback.ts";
import {
  esp_ota_abort,
  esp_ota_begin,
  esp_ota_end,
  esp_ota_write,
  OTA_SIZE_UNKNOWN,
  OTA_WITH_SEQUENTIAL_WRITES,
} from "../../src/esp-idf/esp-ota-update.ts";
import { imageOf, OtaDevice } from "./ota-device.ts";
import {
  begin,
  canRollBack,
  freshModel,
  isSettled,
  type OtaModel,
  reboot,
  select,
  selected,
  write,
} from "./ota-model.ts";

const { ESP_OK, ESP_ERR_OTA_ROLLBACK_INVALID_STATE, ESP_ERR_OTA_PARTITION_CONFLICT } = EspErr;
const { ESP_ERR_OTA_ALREADY_IN_PROGRESS, ESP_ERR_OTA_VALIDATE_FAILED, ESP_ERR_OTA_ROLLBACK_FAILED } = EspErr;

/** What holds after every command. */
function expectPromised(model: OtaModel, device: OtaDevice): void {
  expect(device.runningSlot).toBe(model.running);
  expect(device.runningVersion).toBe(model.contents[model.running]);
  const next = selected(model);
  expect(esp_ota_get_boot_partition(device.app)?.label).toBe(`ota_${next?.slot}`);
  const state = esp_ota_get_state_partition(device.app, device.slot(next?.slot ?? 0)).state;
  expect(state).toBe({ new: 0, pending: 1, valid: 2, "given-up": 4 }[next?.state ?? "valid"]);
  expect(device.hardware.flash.violations).toEqual([]);
}

/** One command: what the model expects, what the board does, and where a power cut in it may end. */
abstract class OtaCommand implements fc.Command<OtaModel, OtaDevice> {
  check(_model: Readonly<OtaModel>): boolean {
    return true;
  }

  run(model: OtaModel, device: OtaDevice): void {
    expect(this.perform(device, model)).toBe(this.expect(model));
    expectPromised(model, device);
  }

  /** Does it to the model. @returns The result that is promised. */
  abstract expect(model: OtaModel): number;

  /** Does it to the board. @returns The result. */
  abstract perform(device: OtaDevice, model: Readonly<OtaModel>): number;

  abstract toString(): string;
}

class Begin extends OtaCommand {
  readonly slot: number;
  readonly size: number;

  constructor(slot: number, size: number) {
    super();
    this.slot = slot;
    this.size = size;
  }

  /**
   * Writing over an app that is selected and has not started is a field trap of its own: row 16 of the edge cases. So is
   * writing over what one could go back to once what runs was selected anew: it has to confirm itself again.
   */
  override check(model: Readonly<OtaModel>): boolean {
    const isOnlyUpdate = model.update === undefined || model.update.slot === this.slot;
    const isSelectedAnew = selected(model)?.state === "new";
    return this.slot < model.slotCount && isSettled(model) && isOnlyUpdate && !isSelectedAnew;
  }

  expect(model: OtaModel): number {
    if (this.slot === model.running) return ESP_ERR_OTA_PARTITION_CONFLICT;
    if (selected(model)?.state === "pending") return ESP_ERR_OTA_ROLLBACK_INVALID_STATE;
    if (model.update?.slot === this.slot) return ESP_ERR_OTA_ALREADY_IN_PROGRESS;
    begin(model, this.slot, this.size !== OTA_WITH_SEQUENTIAL_WRITES);
    return ESP_OK;
  }

  perform(device: OtaDevice): number {
    const { err, handle } = esp_ota_begin(device.app, device.slot(this.slot), this.size);
    if (err === ESP_OK) device.handle = handle;
    return err;
  }

  toString(): string {
    return `begin ota_${this.slot}, size 0x${this.size.toString(16)}`;
  }
}

class Write extends OtaCommand {
  readonly bytes: number;

  constructor(bytes: number) {
    super();
    this.bytes = bytes;
  }

  override check({ update }: Readonly<OtaModel>): boolean {
    return update !== undefined && update.written < imageOf(update.version).length;
  }

  expect(model: OtaModel): number {
    const { version, written } = model.update!;
    write(model, this.#piece(version, written).length);
    return ESP_OK;
  }

  perform(device: OtaDevice, { update }: Readonly<OtaModel>): number {
    return esp_ota_write(device.app, device.handle!, this.#piece(update!.version, update!.written));
  }

  #piece(version: string, written: number): Uint8Array {
    return imageOf(version).subarray(written, written + this.bytes);
  }

  toString(): string {
    return `write ${this.bytes} bytes`;
  }
}

class End extends OtaCommand {
  override check({ update }: Readonly<OtaModel>): boolean {
    return update !== undefined;
  }

  expect(model: OtaModel): number {
    const { slot, version, written } = model.update!;
    model.update = undefined;
    if (written === 0) return EspErr.ESP_ERR_INVALID_ARG;
    if (written < imageOf(version).length) return ESP_ERR_OTA_VALIDATE_FAILED;
    model.contents[slot] = version;
    return ESP_OK;
  }

  perform(device: OtaDevice): number {
    return esp_ota_end(device.app, device.handle!);
  }

  toString(): string {
    return "end";
  }
}

class Abort extends OtaCommand {
  override check({ update }: Readonly<OtaModel>): boolean {
    return update !== undefined;
  }

  expect(model: OtaModel): number {
    const { slot, version, written } = model.update!;
    // What was written stays, and is whole if all of it was.
    if (written === imageOf(version).length) model.contents[slot] = version;
    model.update = undefined;
    return ESP_OK;
  }

  perform(device: OtaDevice): number {
    return esp_ota_abort(device.app, device.handle!);
  }

  toString(): string {
    return "abort";
  }
}

class SetBoot extends OtaCommand {
  readonly slot: number;

  constructor(slot: number) {
    super();
    this.slot = slot;
  }

  /**
   * Selecting what runs anew, with nothing to go back to, may leave no entry that counts; so may another one while what
   * runs is not confirmed: rows 14, 15 and 64 of the edge cases.
   */
  override check(model: Readonly<OtaModel>): boolean {
    const isAnew = this.slot === model.running && !canRollBack(model);
    const isConfirmed = isSettled(model) && selected(model)?.state === "valid";
    return this.slot < model.slotCount && isConfirmed && model.update === undefined && !isAnew;
  }

  expect(model: OtaModel): number {
    if (model.contents[this.slot] === undefined) return ESP_ERR_OTA_VALIDATE_FAILED;
    select(model, this.slot);
    return ESP_OK;
  }

  perform(device: OtaDevice): number {
    return esp_ota_set_boot_partition(device.app, device.slot(this.slot));
  }

  toString(): string {
    return `set boot ota_${this.slot}`;
  }
}

class Reboot extends OtaCommand {
  expect(model: OtaModel): number {
    const { update } = model;
    if (update !== undefined && update.written === imageOf(update.version).length) {
      model.contents[update.slot] = update.version;
    }
    reboot(model);
    return ESP_OK;
  }

  perform(device: OtaDevice): number {
    device.reboot();
    return ESP_OK;
  }

  toString(): string {
    return "reboot";
  }
}

class Confirm extends OtaCommand {
  /** ESP-IDF confirms what is selected, be it what runs or not: row 17 of the edge cases. */
  override check(model: Readonly<OtaModel>): boolean {
    return isSettled(model);
  }

  expect(model: OtaModel): number {
    const app = selected(model);
    if (app !== undefined) app.state = "valid";
    return ESP_OK;
  }

  perform(device: OtaDevice): number {
    return esp_ota_mark_app_valid_cancel_rollback(device.app);
  }

  toString(): string {
    return "confirm";
  }
}

class RollBack extends OtaCommand {
  override check(model: Readonly<OtaModel>): boolean {
    return isSettled(model);
  }

  expect(model: OtaModel): number {
    if (!canRollBack(model)) return ESP_ERR_OTA_ROLLBACK_FAILED;
    model.newest.state = "given-up";
    reboot(model);
    return ESP_OK;
  }

  perform(device: OtaDevice, model: Readonly<OtaModel>): number {
    expect(esp_ota_check_rollback_is_possible(device.app)).toBe(canRollBack(model));
    const { err, restart } = esp_ota_mark_app_invalid_rollback_and_reboot(device.app);
    if (restart) device.reboot();
    return err;
  }

  toString(): string {
    return "roll back";
  }
}

/** Another command, with the power going at one of its flash operations. */
class Cut extends OtaCommand {
  readonly inner: OtaCommand;
  readonly operation: number;
  readonly seed: number;

  constructor(inner: OtaCommand, operation: number, seed: number) {
    super();
    this.inner = inner;
    this.operation = operation;
    this.seed = seed;
  }

  override check(model: Readonly<OtaModel>): boolean {
    return this.inner.check(model);
  }

  override run(model: OtaModel, device: OtaDevice): void {
    const before = structuredClone(model);
    let result: number | undefined;
    const hasFallen = device.cut(
      () => {
        result = this.inner.perform(device, model);
      },
      this.operation,
      this.seed,
    );
    const expected = this.inner.expect(model);
    if (hasFallen) {
      this.#expectPossible(before, model, device);
      device.adopt(model);
      this.#adoptContents(before, model, device);
    } else {
      expect(result).toBe(expected);
    }
    expectPromised(model, device);
  }

  expect(): number {
    return ESP_OK;
  }

  perform(): number {
    return ESP_OK;
  }

  /** A whole app runs: the one that was to run before or after the command, or where its entry was lost another. */
  #expectPossible(before: OtaModel, after: OtaModel, device: OtaDevice): void {
    const slots = new Set<number>();
    for (const model of [before, after]) {
      const next = structuredClone(model);
      reboot(next);
      slots.add(next.running);
    }
    // Rewriting the entry of what runs erases it first: row 29. Nothing else puts it at risk.
    const rewritesOwn = this.inner instanceof Confirm || this.inner instanceof RollBack || this.inner instanceof Reboot;
    const selectsOwn = this.inner instanceof SetBoot && this.inner.slot === before.running;
    const isUnconfirmed = selected(before)?.state !== "valid";
    if (!(rewritesOwn || selectsOwn || isUnconfirmed)) expect([...slots]).toContain(device.runningSlot);
    const version = after.contents[device.runningSlot] ?? before.contents[device.runningSlot];
    expect(device.runningVersion).toBe(version);
  }

  /** A slot that was being written holds what it held, what was written, or nothing whole. */
  #adoptContents(before: OtaModel, model: OtaModel, device: OtaDevice): void {
    for (const [slot, version] of model.contents.entries()) {
      const { update } = before;
      if (update?.slot !== slot && version === before.contents[slot]) continue;
      const found = device.versionIn(slot);
      expect([before.contents[slot], version, update?.version, undefined]).toContain(found);
      model.contents[slot] = found;
    }
  }

  toString(): string {
    return `[power cut at operation ${this.operation}, seed ${this.seed}: ${this.inner.toString()}]`;
  }
}

const slot = fc.nat(2);
const command: fc.Arbitrary<OtaCommand> = fc.oneof(
  fc
    .tuple(slot, fc.constantFrom(OTA_SIZE_UNKNOWN, OTA_WITH_SEQUENTIAL_WRITES, 10_000))
    .map((args) => new Begin(...args)),
  { arbitrary: fc.constantFrom(4096, 10_000, 10_000, 1000).map((bytes) => new Write(bytes)), weight: 2 },
  fc.constant(new End()),
  fc.constant(new Abort()),
  { arbitrary: slot.map((number) => new SetBoot(number)), weight: 2 },
  { arbitrary: fc.constant(new Reboot()), weight: 2 },
  fc.constant(new Confirm()),
  fc.constant(new RollBack()),
);
const cut = fc.tuple(command, fc.integer({ min: 1, max: 6 }), fc.nat(1000)).map((args) => new Cut(...args));
const commands = fc.commands([command, command, command, cut], { maxCommands: 40, size: "max" });

test.for([2, 3])(
  "a board of %i slots does what ESP-IDF's documentation promises, whatever is asked of it",
  (slotCount) => {
    fc.assert(
      fc.property(commands, (all) => {
        fc.modelRun(() => ({ model: freshModel(slotCount), real: new OtaDevice(slotCount) }), all);
      }),
      { numRuns: 600 },
    );
  },
);
