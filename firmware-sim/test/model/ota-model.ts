/**
 * What ESP-IDF's documentation promises of OTA with rollback, on a board without factory: an app runs and may be on
 * probation; another may be selected for the next start; one may be gone back to.
 */

/** An app that otadata knows of. */
export interface KnownApp {
  readonly slot: number;
  /** `new`: it starts next, for the first time. `pending`: it runs, not yet confirmed. */
  state: "new" | "pending" | "valid" | "given-up";
}

/** The state of a board as the documentation speaks of it. */
export interface OtaModel {
  readonly slotCount: number;
  /** What each slot holds, by version; `undefined` is nothing that would start. */
  readonly contents: (string | undefined)[];
  running: number;
  /** What was selected last. */
  newest: KnownApp;
  /** What was selected before that, unless an update has taken its place. */
  before: KnownApp | undefined;
  /** Updates begun so far: each brings a version of its own. */
  begun: number;
  /** An update being written: its slot, how much of its image, and which. */
  update: { slot: number; version: string; written: number } | undefined;
}

/** A board as it leaves its factory: the first slot's app, confirmed. */
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

/** What starts next, unless it is one that was given up. */
export function selected({ newest, before }: OtaModel): KnownApp | undefined {
  return newest.state !== "given-up" ? newest : before?.state === "given-up" ? undefined : before;
}

/** Whether the app that runs is the one that the next start takes: an update that waits for its reset is not. */
export function isSettled(model: OtaModel): boolean {
  return selected(model)?.slot === model.running;
}

/** Whether there is another app to go back to. */
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
 * `esp_ota_begin`: the slot is no longer what one would go back to.
 *
 * @param erases - Its contents go now, and not with the first write.
 */
export function begin(model: OtaModel, slot: number, erases: boolean): void {
  const inactive = selected(model) === model.newest ? model.before : model.newest;
  if (inactive !== undefined && inactive.slot !== model.running) forget(model, inactive);
  if (erases) model.contents[slot] = undefined;
  model.begun++;
  model.update = { slot, version: `${1 + model.begun}`, written: 0 };
}

/** `esp_ota_write`: the slot holds nothing whole until all is there. */
export function write(model: OtaModel, length: number): void {
  if (model.update === undefined) return;
  model.contents[model.update.slot] = undefined;
  model.update.written += length;
}

/** `esp_ota_set_boot_partition`: it starts next, and has to confirm itself. */
export function select(model: OtaModel, slot: number): void {
  const current = selected(model);
  if (current?.slot === slot) {
    current.state = "new";
    return;
  }
  model.before = current;
  model.newest = { slot, state: "new" };
}

/** A reset: what runs unconfirmed is given up, and what is selected starts. */
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
