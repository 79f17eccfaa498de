/**
 * OTA with rollback on a board without factory, as ESP-IDF documents it: an app runs and may be on probation; another
 * may be selected for the next start; one may be the target of a rollback.
 */

/** An app with an entry in otadata. */
export interface KnownApp {
  readonly slot: number;
  /** `new`: starts next, for the first time. `pending`: runs but is not confirmed. */
  state: "new" | "pending" | "valid" | "given-up";
}

/** State of a board in the terms of the documentation. */
export interface OtaModel {
  readonly slotCount: number;
  /** Version in each slot; `undefined` if the slot's content doesn't start. */
  readonly contents: (string | undefined)[];
  running: number;
  /** The last selected app. */
  newest: KnownApp;
  /** The app selected before that, unless an update has overwritten it. */
  before: KnownApp | undefined;
  /** Number of updates so far. Each has its own version. */
  begun: number;
  /** The update that is being written: its slot, its version, and the number of bytes written. */
  update: { slot: number; version: string; written: number } | undefined;
}

/** Returns a board as it leaves the factory: the first slot's app, confirmed. */
export function freshModel(slotCount: number): OtaModel {
  const contents = Array.from({ length: slotCount }, (_, slot) => (slot === 0 ? "1" : undefined));
  return {
    slotCount,
    contents,
    begun: 0,
    running: 0,
    newest: { slot: 0, state: "valid" },
    before: undefined,
    update: undefined,
  };
}

/** Returns the app that starts next: the last selected one, unless it was rejected. */
export function selected({ newest, before }: OtaModel): KnownApp | undefined {
  return newest.state !== "given-up" ? newest : before?.state === "given-up" ? undefined : before;
}

/** Returns `true` if the running app also starts next: no update waits for a reset. */
export function isSettled(model: OtaModel): boolean {
  return selected(model)?.slot === model.running;
}

/** Returns `true` if a rollback is possible. */
export function canRollBack(model: OtaModel): boolean {
  const { newest, before, contents } = model;
  return (
    selected(model) === newest &&
    before !== undefined &&
    before.state !== "given-up" &&
    contents[before.slot] !== undefined
  );
}

/**
 * `esp_ota_begin`: a rollback to the slot becomes impossible.
 *
 * @param erases - Whether its content is erased now, not with the first write.
 */
export function begin(model: OtaModel, slot: number, erases: boolean): void {
  const inactive = selected(model) === model.newest ? model.before : model.newest;
  if (inactive !== undefined && inactive.slot !== model.running) forget(model, inactive);
  if (erases) model.contents[slot] = undefined;
  model.begun++;
  model.update = { slot, version: `${1 + model.begun}`, written: 0 };
}

/** `esp_ota_write`: the slot contains no complete image until all bytes are written. */
export function write(model: OtaModel, length: number): void {
  if (model.update === undefined) return;
  model.contents[model.update.slot] = undefined;
  model.update.written += length;
}

/** `esp_ota_set_boot_partition`: the slot starts next and must be confirmed. */
export function select(model: OtaModel, slot: number): void {
  const current = selected(model);
  if (current?.slot === slot) {
    current.state = "new";
    return;
  }
  model.before = current;
  model.newest = { slot, state: "new" };
}

/** A reset: an unconfirmed running app is rejected, and the selected one starts. */
export function reboot(model: OtaModel): void {
  model.update = undefined;
  for (const app of [model.newest, model.before]) if (app?.state === "pending") app.state = "given-up";
  const next = selected(model);
  if (next === undefined) return;
  if (next.state === "new") next.state = "pending";
  model.running = next.slot;
}

function forget(model: OtaModel, app: KnownApp): void {
  if (model.before === app) {
    model.before = undefined;
  } else if (model.before !== undefined) {
    model.newest = model.before;
    model.before = undefined;
  }
}
