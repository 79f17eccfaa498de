// Bugs planted in publishers and devices: a fuzzer that finds nothing wrong with them would be worth nothing.
import { buildRequest, CHUNK_SIZE, parseRequest } from "@tinybms/ota-core";
import { expect, test, vi } from "vitest";
import { DeviceLedger } from "../../packages/ota-core/src/sender/device-ledger.ts";
import { SimulatedDevice } from "../src/device/device.ts";
import type { DeviceAction, DeviceEvent } from "../src/device/device-events.ts";
import { fuzzWorlds } from "../src/fuzz/fuzz-worlds.ts";
import type { WorldInvariant } from "../src/fuzz/invariants.ts";
import { type PlanParts, runPlan } from "../src/fuzz/run-plan.ts";
import { ImagePublisher, type ImagePublisherOptions } from "../src/simulation/publish-image.ts";
import type { WorldPublisher } from "../src/simulation/publisher-in-world.ts";

const RUNS = 500;

/** Asks for everything that it lacks but the last chunk, after its first request. */
class WithoutLastChunk extends SimulatedDevice {
  #requests = 0;

  override boot(now: number): DeviceAction[] {
    this.#requests = 0;
    return super.boot(now);
  }

  override handle(event: DeviceEvent): DeviceAction[] {
    return super.handle(event).flatMap((action) => {
      if (action.type !== "publish" || !action.topic.endsWith("/request") || this.#requests++ === 0) return [action];
      const request = parseRequest(action.payload);
      const last = (this.report?.total ?? 0) - 1;
      const missing = request.missing.flatMap(([first, count]): [number, number][] => {
        const kept = first + count - 1 === last ? count - 1 : count;
        return kept > 0 ? [[first, kept]] : [];
      });
      return missing.length === 0 ? [] : [{ ...action, payload: buildRequest({ ...request, missing }) }];
    });
  }
}

/** Repeats its last request when the timer fires that a lost connection should have ended. */
class KeepsTimer extends SimulatedDevice {
  #request: DeviceAction | undefined;
  #isOffline = false;

  override handle(event: DeviceEvent): DeviceAction[] {
    if (event.type === "disconnected") this.#isOffline = true;
    if (event.type === "connected") this.#isOffline = false;
    const actions = super.handle(event);
    this.#request =
      actions.find((action) => action.type === "publish" && action.topic.endsWith("/request")) ?? this.#request;
    const isDue = this.#isOffline && event.type === "timer" && event.timer === "request" && this.#request !== undefined;
    return isDue && this.#request !== undefined ? [...actions, this.#request] : actions;
  }
}

/** Asks again after the same time, however often nothing came. */
class NeverBacksOff extends SimulatedDevice {
  override handle(event: DeviceEvent): DeviceAction[] {
    return super.handle(event).map((action) => {
      if (action.type !== "set-timer" || action.timer !== "request") return action;
      return { ...action, at: Math.min(action.at, event.now + 1_500) };
    });
  }
}

/** Takes only the first of the requests that it would answer together. */
function answersOnlyFirst(options: ImagePublisherOptions): WorldPublisher {
  const publisher = new ImagePublisher(options);
  let isGathering = false;
  return {
    handle: (event) => {
      if (event.type === "timer" && event.timer === "gather") isGathering = false;
      if (event.type === "request" && isGathering) return [];
      const actions = publisher.handle(event);
      if (actions.some((action) => action.type === "set-timer" && action.timer === "gather")) isGathering = true;
      return actions;
    },
  };
}

/** Begins the first round 200 ms after the first request, although devices were told a spread. */
function gathersShortly(options: ImagePublisherOptions): WorldPublisher {
  return new ImagePublisher({ ...options, spreadMs: 0 });
}

/** Judges a round by the last reports of devices: what they have not reported counts as lost. */
function judgesByReports(options: ImagePublisherOptions): WorldPublisher {
  const publisher = new ImagePublisher(options);
  return {
    handle: (event) => {
      const judge = vi.spyOn(DeviceLedger.prototype, "takeLoss").mockImplementation(function (this: DeviceLedger) {
        const asked = [...this.entries()].filter(({ joinedRound }) => joinedRound !== undefined);
        const received = asked.map((entry) => entry.received).sort((left, right) => right - left);
        return 1 - (received[received.length >>> 1] ?? 0) / Math.ceil(options.image.sizeBytes / CHUNK_SIZE);
      });
      try {
        return publisher.handle(event);
      } finally {
        judge.mockRestore();
      }
    },
  };
}

interface Mutant {
  readonly bug: string;
  readonly breaks: readonly WorldInvariant[];
  readonly parts: PlanParts;
}

const MUTANTS: readonly Mutant[] = [
  {
    bug: "a publisher gathers requests for 200 ms although devices spread theirs",
    breaks: ["frugal"],
    parts: { createPublisher: gathersShortly },
  },
  {
    bug: "a publisher judges a round by reports instead of the requests after it",
    breaks: ["paced"],
    parts: { createPublisher: judgesByReports },
  },
  {
    bug: "a publisher answers only the first of the requests that came together",
    // A request that it drops looks to it like a loss, which slows it.
    breaks: ["answered", "paced"],
    parts: { createPublisher: answersOnlyFirst },
  },
  {
    bug: "a device forgets to ask again for the last chunk",
    breaks: ["settled"],
    parts: { createDevice: (hardware, options) => new WithoutLastChunk(hardware, options) },
  },
  {
    bug: "a device keeps a timer after its connection is lost",
    breaks: ["offline"],
    parts: { createDevice: (hardware, options) => new KeepsTimer(hardware, options) },
  },
  {
    bug: "a device never backs off",
    breaks: ["patient"],
    parts: { createDevice: (hardware, options) => new NeverBacksOff(hardware, options) },
  },
];

test.for(MUTANTS)("finds within 500 worlds that $bug", async ({ breaks, parts }) => {
  const { failures } = await fuzzWorlds({ runs: RUNS, seed: 1, agent: "ts", parts, failuresMax: 1 });
  const [found] = failures;
  expect(breaks).toContain(found?.invariant);
  if (found === undefined) return;
  expect(runPlan(found.plan, { parts }).failure?.invariant, "the shrunk world shows it again").toBe(found.invariant);
  expect(runPlan(found.plan).failure, "the same world without the bug").toBeUndefined();
});
