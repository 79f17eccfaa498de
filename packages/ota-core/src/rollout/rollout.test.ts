import fc from "fast-check";
import { expect, test } from "vitest";
import { targetAdmits } from "../messages/target.ts";
import type { StateReport } from "../schemas/types.generated.ts";
import { EMPTY_JOURNAL, journalLine, readJournal } from "./journal.ts";
import { Rollout } from "./rollout.ts";
import type { RolloutOutcome } from "./rollout-events.ts";
import type { RolloutPlan } from "./rollout-plan.ts";
import type { RolloutOffer, RolloutRecord, RolloutRequest } from "./rollout-record.ts";

const IMAGE = "ab".repeat(32);
const SUBJECT = { product: "gateway", version: "1.2.3", topic: "tinybms/ota", image: IMAGE };
const PLAN: RolloutPlan = {
  stages: [10, 100, 1000],
  salt: "5a17",
  hold: 3_600_000,
  abortPermille: 20,
  abortMin: 3,
  stageTimeoutMs: 3_600_000,
};
const UTC = Date.UTC(2026, 10, 28);

type Fate = "good" | "bad" | "asleep" | "other-chip" | "vanishes" | "slow" | "already";

/** Members of a report about an offer. */
const under = ({ id, counter: [epoch, sequence] }: RolloutOffer): Partial<StateReport> => ({
  offer: id,
  image: IMAGE.slice(0, 32),
  accepted: [epoch, sequence],
});

const OFFER: RolloutOffer = { id: "1", counter: [1, 1], parts: [] };

/** Devices and a broker that do what a fate says, on a virtual clock; a journal in memory. */
class Fleet {
  readonly plan: RolloutPlan;
  readonly names: readonly string[];
  readonly fates: ReadonlyMap<string, Fate>;
  journal = "";
  hash = EMPTY_JOURNAL.hash;
  now = 0;
  /** UTC time at which `now` was 0; a clock that jumps changes it. */
  utc = UTC;
  published: { stage: number; offer: RolloutOffer } | undefined;
  withdrawn = false;
  /** Every offer that was on the broker. */
  readonly offers: { readonly stage: number; readonly id: string }[] = [];
  readonly installs = new Map<string, number>();
  #sequence = 0;

  constructor(count: number, fate: (index: number, device: string) => Fate, plan: Partial<RolloutPlan> = {}) {
    this.plan = { ...PLAN, ...plan };
    this.names = Array.from({ length: count }, (_, index) => `gw-${index}`);
    this.fates = new Map(this.names.map((device, index) => [device, fate(index, device)]));
  }

  /** Runs until the machine is done, or `stopAfter` records were written. */
  run({
    stopAfter = Number.POSITIVE_INFINITY,
    requests = [] as (readonly [number, RolloutRequest])[],
  } = {}): RolloutOutcome | "killed" {
    const { records } = readJournal(this.journal, "journal");
    const rollout = new Rollout(SUBJECT, this.plan, records);
    let written = 0;
    let timer: number | undefined;
    let outcome: RolloutOutcome | undefined;
    let killed = false;
    const pending: { at: number; event: () => Parameters<Rollout["handle"]>[0] }[] = [];
    const moment = () => ({ now: this.now, at: this.utc + this.now });
    const take = (event: Parameters<Rollout["handle"]>[0]): void => {
      for (const action of rollout.handle(event)) {
        if (killed) return;
        switch (action.type) {
          case "record": {
            const { line, hash } = journalLine(this.hash, action.record);
            this.journal += line;
            this.hash = hash;
            if (++written >= stopAfter) killed = true;
            break;
          }
          case "make-offer": {
            const id = (++this.#sequence).toString(16).padStart(32, "0");
            const offer = { id, counter: [1, this.#sequence] as const, parts: [{ topics: ["offer"], envelope: "" }] };
            pending.push({ at: this.now, event: () => ({ type: "made", ...moment(), stage: action.stage, offer }) });
            break;
          }
          case "publish": {
            this.published = action;
            if (!this.offers.some(({ id }) => id === action.offer.id)) {
              this.offers.push({ stage: action.stage, id: action.offer.id });
            }
            pending.push({ at: this.now + 10, event: () => ({ type: "offered", ...moment(), stage: action.stage }) });
            for (const device of this.names) this.#offer(device, action, pending, moment);
            break;
          }
          case "withdraw":
            this.withdrawn = true;
            this.published = undefined;
            pending.push({ at: this.now + 10, event: () => ({ type: "withdrawn", ...moment() }) });
            break;
          case "set-timer":
            timer = action.at;
            break;
          case "clear-timer":
            timer = undefined;
            break;
          case "done":
            outcome = action.outcome;
        }
      }
    };
    for (const [at, request] of requests)
      pending.push({ at, event: () => ({ type: "request", ...moment(), request }) });
    for (const device of this.names) {
      if (this.fates.get(device) === "asleep") continue;
      pending.push({ at: this.now, event: () => ({ type: "report", ...moment(), report: this.report(device) }) });
    }
    take({ type: "start", ...moment() });
    while (outcome === undefined && !killed) {
      pending.sort((left, right) => left.at - right.at);
      const next = pending[0];
      if (timer !== undefined && (next === undefined || timer <= next.at)) {
        this.now = Math.max(this.now, timer);
        timer = undefined;
        take({ type: "timer", ...moment() });
        continue;
      }
      if (next === undefined) throw new Error("the rollout waits for nothing");
      pending.shift();
      this.now = Math.max(this.now, next.at);
      take(next.event());
    }
    return killed ? "killed" : (outcome as RolloutOutcome);
  }

  report(device: string, more: Partial<StateReport> = {}): StateReport {
    const runs = this.fates.get(device) === "already" || this.installs.has(device);
    return {
      protocol: 1,
      device,
      state: "idle",
      version: "1",
      slot: "ota_0",
      running_sha256: runs ? IMAGE : "cd".repeat(32),
      received: 0,
      total: 0,
      accepted: [1, 0],
      online: true,
      boot_count: 1,
      ...more,
    } as StateReport;
  }

  #offer(
    device: string,
    { stage, offer }: { stage: number; offer: RolloutOffer },
    pending: { at: number; event: () => Parameters<Rollout["handle"]>[0] }[],
    moment: () => { now: number; at: number },
  ): void {
    const { salt, stages, devices } = this.plan;
    const isNamed = devices === undefined || devices.includes(device);
    if (!isNamed || !targetAdmits({ rollout: { permille: stages[stage] ?? 0, salt } }, device)) return;
    const say = (after: number, more: Partial<StateReport>): void => {
      pending.push({
        at: this.now + after,
        event: () => {
          if (more.state === "confirmed" && !this.installs.has(device) && this.fates.get(device) !== "already") {
            this.installs.set(device, (this.installs.get(device) ?? 0) + 1);
          }
          return { type: "report", ...moment(), report: this.report(device, { ...under(offer), ...more }) };
        },
      });
    };
    switch (this.fates.get(device)) {
      case "good":
        say(100, { state: "downloading", total: 10, received: 5 });
        return say(20_000, { state: "confirmed" });
      case "already":
        return say(100, { state: "confirmed" });
      case "bad":
        say(100, { state: "downloading", total: 10, received: 5 });
        return say(20_000, { state: "rolled-back", error: { code: "delivery/self-test-failed", message: "sensor" } });
      case "other-chip":
        return say(100, { state: "rejected", error: { code: "offer/wrong-chip", message: "" } });
      case "vanishes":
        say(100, { state: "downloading", total: 10, received: 5 });
        say(10_000, { state: "ready-to-reboot" });
        return say(11_000, { state: "ready-to-reboot", online: false });
      case "slow":
        return say(100, { state: "downloading", total: 10, received: 1 });
      default:
    }
  }

  records(): readonly RolloutRecord[] {
    return readJournal(this.journal, "journal").records;
  }
}

const admitted = (fleet: Fleet, stage: number): readonly string[] =>
  fleet.names.filter((device) =>
    targetAdmits({ rollout: { permille: fleet.plan.stages[stage] ?? 0, salt: fleet.plan.salt } }, device),
  );

test("delivers a good image to every device, stage by stage, with the hold between them", () => {
  const fleet = new Fleet(500, () => "good");
  expect(fleet.run()).toMatchObject({ reason: "complete", stage: 2, counts: { confirmed: 500, failed: 0 } });
  expect(fleet.offers.map(({ stage }) => stage)).toEqual([0, 1, 2]);
  expect(fleet.now).toBeGreaterThanOrEqual(2 * 3_600_000);
  const settled = fleet.records().filter((record) => record.type === "settled");
  const offered = fleet.records().filter((record) => record.type === "offer");
  expect((offered[1]?.at ?? 0) - (settled[0]?.at ?? 0)).toBe(3_600_000);
});

test("stops at the stage in which a tenth of the devices fail, and offers it to no other device", () => {
  const fleet = new Fleet(500, (index) => (index % 10 === 0 ? "bad" : "good"));
  const outcome = fleet.run();
  expect(outcome).toMatchObject({ reason: "failures" });
  if (outcome === "killed") throw new Error("killed");
  expect(fleet.withdrawn).toBe(true);
  const touched = new Set(admitted(fleet, outcome.stage));
  for (const device of fleet.installs.keys()) expect(touched).toContain(device);
  const failed = outcome.devices.filter(({ end }) => end === "failed");
  expect(failed.length).toBeGreaterThanOrEqual(3);
  for (const { error } of failed) expect(error?.code).toBe("delivery/self-test-failed");
});

test("leaves devices that refuse the image, sleep, or already ran it out of the failure rate", () => {
  const fates = ["good", "other-chip", "asleep", "already"] as const;
  const fleet = new Fleet(400, (index) => fates[index % 4] ?? "good", {
    stages: [1000],
    abortPermille: 0,
    abortMin: 1,
  });
  expect(fleet.run()).toMatchObject({
    reason: "complete",
    counts: { confirmed: 100, failed: 0, already: 100, unable: 100 },
  });
  expect(fleet.now).toBeLessThan(300_000);
});

test("counts a device that restarts into the image and does not report again as failed", () => {
  const fleet = new Fleet(100, (index) => (index < 5 ? "vanishes" : "good"), { stages: [1000] });
  const outcome = fleet.run();
  expect(outcome).toMatchObject({ reason: "failures", counts: { failed: 5 } });
  if (outcome === "killed") throw new Error("killed");
  expect(outcome.devices.find(({ end }) => end === "failed")?.error?.code).toBe("delivery/no-device");
});

test("ends a stage at its time limit, and names the devices without a result", () => {
  const fleet = new Fleet(20, (index) => (index === 0 ? "slow" : "good"), { stages: [1000] });
  expect(fleet.run()).toMatchObject({ reason: "complete", counts: { confirmed: 19 } });
  expect(fleet.now).toBeGreaterThanOrEqual(3_600_000);
  expect(fleet.records().find((record) => record.type === "settled")).toMatchObject({ open: ["gw-0"] });
});

test("stops a rollout if no device of a stage ends, and leaves its offer on the broker", () => {
  const fleet = new Fleet(10, () => "asleep", { stages: [500, 1000], abortMin: 1, abortPermille: 0 });
  expect(fleet.run()).toMatchObject({ reason: "nobody", stage: 0 });
  expect(fleet.withdrawn).toBe(false);
});

test("ends a stage at once if none of the present devices belongs to it", () => {
  const fleet = new Fleet(5, () => "good", { stages: [1, 1000], hold: 0 });
  expect(admitted(fleet, 0)).toEqual([]);
  expect(fleet.run()).toMatchObject({ reason: "complete", counts: { confirmed: 5 } });
});

test("skips a stage that includes none of the named devices, and touches nobody else", () => {
  const devices = ["gw-3", "gw-4"];
  const fleet = new Fleet(50, () => "good", { stages: [1, 2, 1000], devices, hold: 0 });
  expect(fleet.run()).toMatchObject({ reason: "complete", counts: { confirmed: 2 } });
  expect(fleet.offers.map(({ stage }) => stage)).toEqual([2]);
  expect([...fleet.installs.keys()].sort()).toEqual(devices);
});

test("names devices that were never heard as not ended", () => {
  const devices = ["gw-3", "unheard-1", "unheard-2"];
  const fleet = new Fleet(5, () => "good", { stages: [1000], devices });
  const outcome = fleet.run();
  expect(outcome).toMatchObject({ reason: "complete", counts: { confirmed: 1 }, open: devices.slice(1) });
  expect(fleet.records().find(({ type }) => type === "settled")).toMatchObject({ open: devices.slice(1) });
});

test("stops a rollout among named devices if none of them is there, although others are", () => {
  const fleet = new Fleet(5, () => "good", { stages: [1000], devices: ["unheard"], abortMin: 1, abortPermille: 0 });
  expect(fleet.run()).toMatchObject({ reason: "nobody", open: ["unheard"] });
  expect(fleet.now).toBeGreaterThanOrEqual(PLAN.stageTimeoutMs);
});

test("ends after a good stage if it must be continued by hand, and continues from its journal", () => {
  const fleet = new Fleet(100, () => "good", { stages: [100, 1000], hold: "until-continued" });
  expect(fleet.run()).toMatchObject({ reason: "held", stage: 0 });
  expect(fleet.run()).toMatchObject({ reason: "held", stage: 0 });
  expect(fleet.run({ requests: [[fleet.now + 5, "continue"]] })).toMatchObject({ reason: "complete" });
  expect(fleet.offers.map(({ stage }) => stage)).toEqual([0, 1]);
});

test("continued while a stage is still running, lifts a pause and skips no hold", () => {
  const twice = new Fleet(100, () => "good", { stages: [100, 1000], hold: "until-continued" });
  expect(twice.run({ requests: [[1_000, "continue"]] })).toMatchObject({ reason: "held", stage: 0 });
  expect(twice.run()).toMatchObject({ reason: "held", stage: 0 });
  const paused = new Fleet(100, () => "good", { stages: [100, 1000], hold: 600_000 });
  const requests = [
    [1_000, "pause"],
    [2_000, "continue"],
  ] as const;
  expect(paused.run({ requests: [...requests] })).toMatchObject({ reason: "complete" });
  expect(paused.now).toBeGreaterThanOrEqual(600_000);
});

test("holds the next stage while paused, and stops after a withdrawal", () => {
  const paused = new Fleet(100, () => "good", { stages: [100, 1000], hold: 0 });
  const day = 86_400_000;
  expect(
    paused.run({
      requests: [
        [1_000, "pause"],
        [day, "continue"],
      ],
    }),
  ).toMatchObject({ reason: "complete" });
  expect(paused.now).toBeGreaterThanOrEqual(day);
  const withdrawn = new Fleet(100, () => "good", { stages: [100, 1000] });
  expect(withdrawn.run({ requests: [[1_000, "withdraw"]] })).toMatchObject({ reason: "withdrawn", stage: 0 });
  expect(withdrawn.withdrawn).toBe(true);
});

test.for([
  ["back by a day", -86_400_000, 3_600_000],
  ["ahead by a day", 86_400_000, 0],
  ["to 1970", -UTC, 3_600_000],
] as const)("holds no longer than told if the clock jumps %s while no process runs", ([, jump, rest]) => {
  const fleet = new Fleet(50, () => "good", { stages: [500, 1000] });
  const settled = new Fleet(50, () => "good", { stages: [500, 1000] });
  settled.run();
  const stopAfter = settled.records().findIndex(({ type }) => type === "settled") + 1;
  expect(fleet.run({ stopAfter })).toBe("killed");
  const killedAt = fleet.now;
  fleet.utc += jump;
  expect(fleet.run()).toMatchObject({ reason: "complete", counts: { confirmed: 50 } });
  const secondOffer = fleet.records().filter(({ type }) => type === "offer")[1]?.at ?? 0;
  const waited = secondOffer - fleet.utc - killedAt;
  expect(waited).toBeGreaterThanOrEqual(rest);
  expect(waited).toBeLessThan(rest + 60_000);
});

test("holds as long as told if the clock jumps while the process runs", () => {
  for (const jump of [-86_400_000, 86_400_000]) {
    const fleet = new Fleet(50, () => "good", { stages: [500, 1000] });
    const rollout = new Rollout(SUBJECT, fleet.plan);
    const at = (now: number): number => UTC + now + (now > 0 ? jump : 0);
    const give = (
      now: number,
      event: Parameters<Rollout["handle"]>[0] extends infer Each
        ? Each extends unknown
          ? Omit<Each, "now" | "at">
          : never
        : never,
    ) => rollout.handle({ ...event, now, at: at(now) } as Parameters<Rollout["handle"]>[0]);
    give(0, { type: "start" });
    give(0, { type: "made", stage: 0, offer: OFFER });
    give(0, { type: "offered", stage: 0 });
    const [device = ""] = admitted(fleet, 0);
    give(1, {
      type: "report",
      report: fleet.report(device, { ...under(OFFER), state: "confirmed", running_sha256: IMAGE }),
    });
    const held = give(10_000, { type: "timer" });
    expect(held.at(-1)).toEqual({ type: "set-timer", at: 10_000 + Number(PLAN.hold) });
    expect(give(10_000 + Number(PLAN.hold) - 1, { type: "timer" })).not.toContainEqual(
      expect.objectContaining({ type: "make-offer" }),
    );
    expect(give(10_000 + Number(PLAN.hold), { type: "timer" })).toContainEqual({ type: "make-offer", stage: 1 });
  }
});

test("counts a device that reports failed and confirmed in turn once, by its first report", () => {
  const rollout = new Rollout(SUBJECT, { ...PLAN, stages: [1000], abortMin: 5 });
  const fleet = new Fleet(1, () => "good");
  const moment = { now: 0, at: UTC };
  rollout.handle({ type: "start", ...moment });
  rollout.handle({ type: "made", ...moment, stage: 0, offer: OFFER });
  rollout.handle({ type: "offered", ...moment, stage: 0 });
  for (const state of ["failed", "confirmed", "failed", "confirmed"] as const) {
    const report = fleet.report("gw-0", { ...under(OFFER), state, running_sha256: IMAGE });
    rollout.handle({ type: "report", ...moment, report });
  }
  expect(rollout.devices.counts).toMatchObject({ failed: 1, confirmed: 0 });
});

test("counts a device that confirms the image but runs another one as failed", () => {
  const rollout = new Rollout(SUBJECT, { ...PLAN, stages: [1000], abortMin: 5 });
  const fleet = new Fleet(1, () => "good");
  const moment = { now: 0, at: UTC };
  rollout.handle({ type: "start", ...moment });
  rollout.handle({ type: "made", ...moment, stage: 0, offer: OFFER });
  rollout.handle({ type: "report", ...moment, report: fleet.report("gw-0", { ...under(OFFER), state: "confirmed" }) });
  expect(rollout.devices.all()[0]).toMatchObject({ end: "failed", error: { code: "delivery/contradictory-report" } });
});

test("killed after any record and resumed, a rollout ends the same, offers no stage under two numbers, and installs once", () => {
  const make = (): Fleet =>
    new Fleet(60, (index) => (index % 20 === 3 ? "bad" : index % 7 === 0 ? "asleep" : "good"), {
      stages: [200, 500, 1000],
      hold: 60_000,
      abortPermille: 500,
    });
  const whole = make();
  const outcome = whole.run();
  const count = whole.records().length;
  expect(count).toBeGreaterThan(50);
  for (let after = 1; after < count; after++) {
    const fleet = make();
    expect(fleet.run({ stopAfter: after })).toBe("killed");
    const resumed = fleet.run();
    expect(resumed).toMatchObject({ reason: "complete", counts: (outcome as RolloutOutcome).counts });
    expect(fleet.offers.map(({ stage }) => stage)).toEqual([0, 1, 2]);
    for (const times of fleet.installs.values()) expect(times).toBe(1);
  }
});

test("any fleet, plan and kills: ends, offers no stage twice, and reaches no device beyond the last stage", () => {
  const fates = fc.constantFrom<Fate>("good", "bad", "asleep", "other-chip", "vanishes", "slow", "already");
  const stages = fc.uniqueArray(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(
      fc.array(fates, { minLength: 1, maxLength: 40 }),
      stages,
      fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 5 }),
      fc.constantFrom(0, 1_000, 3_600_000),
      fc.integer({ min: 0, max: 1000 }),
      (all, shares, kills, hold, abortPermille) => {
        const sorted = [...shares].sort((left, right) => left - right);
        const fleet = new Fleet(all.length, (index) => all[index] ?? "good", { stages: sorted, hold, abortPermille });
        let outcome: RolloutOutcome | "killed" = "killed";
        for (const stopAfter of kills) {
          outcome = fleet.run({ stopAfter });
          if (outcome !== "killed") break;
        }
        if (outcome === "killed") outcome = fleet.run();
        if (outcome === "killed") throw new Error("killed");
        const offered = fleet.offers.map(({ stage }) => stage);
        expect(offered).toEqual(sorted.slice(0, offered.length).map((_, index) => index));
        const touched = new Set(admitted(fleet, outcome.stage));
        for (const device of fleet.installs.keys()) expect(touched).toContain(device);
        expect(["complete", "failures", "nobody"]).toContain(outcome.reason);
        const { confirmed, failed } = outcome.counts;
        const isTooMany = failed >= 3 && failed * 1000 > abortPermille * (failed + confirmed);
        // Devices that end while the rollout is withdrawn may lower the rate again.
        if (outcome.reason === "failures") expect(failed).toBeGreaterThanOrEqual(3);
        else expect(isTooMany).toBe(false);
      },
    ),
    { numRuns: 300 },
  );
});

test("stages that do not widen are refused", () => {
  for (const stages of [[], [100, 100], [500, 100], [0, 10], [1001], [0.5]]) {
    expect(() => new Rollout(SUBJECT, { ...PLAN, stages })).toThrow(
      expect.objectContaining({ code: "arguments/invalid" }),
    );
  }
});
