import fc from "fast-check";
import { expect, test } from "vitest";
import type { OfferDocument } from "../messages/offer.ts";
import { timeOfUtc } from "../signing/time-floor.ts";
import { InstallGate, needsClock } from "./install-gate.ts";

const HOUR = 3_600_000;
const NOON = Date.UTC(2026, 2, 1, 12);

function offer(changes: Partial<OfferDocument>): OfferDocument {
  return {
    offer: 1,
    id: "00".repeat(16),
    topic_root: "bench/ota",
    epoch: 1,
    sequence: 1,
    issued_at: "2026-02-01T00:00:00Z",
    release: null,
    chunk_encodings: ["identity"],
    target: "all",
    ...changes,
  };
}

test("lets a device switch at once if nothing holds it back, without a random number", () => {
  const gate = new InstallGate(offer({}), 5, () => expect.unreachable());
  expect(gate.decide({ now: 5, utc: undefined, mayReboot: true })).toEqual({ type: "switch" });
});

test("needs a clock only for a critical member that is there", () => {
  const between = { start_minute: 0, minutes: 1 };
  expect(needsClock(offer({ between }))).toBe(false);
  expect(needsClock(offer({ critical: ["between", "install_after"] }))).toBe(false);
  expect(needsClock(offer({ between, critical: ["install_after"] }))).toBe(false);
  expect(needsClock(offer({ between, critical: ["target", "between"] }))).toBe(true);
});

test("never lets a device switch early, whatever its clock and the application do, and always says when to look", () => {
  const anyStep = fc.record({
    wait: fc.integer({ min: 0, max: 2 * HOUR }),
    utc: fc.option(fc.integer({ min: NOON - 3 * HOUR, max: NOON + 30 * HOUR }), { nil: undefined }),
    mayReboot: fc.boolean(),
  });
  const anyOffer = fc
    .record({ isCritical: fc.boolean(), spread: fc.integer({ min: 0, max: HOUR }), after: fc.nat(10 * HOUR) })
    .map(({ isCritical, spread, after }) =>
      offer({
        install_after: timeOfUtc(NOON + after),
        between: { start_minute: 720, minutes: 90 },
        restart_spread_ms: spread,
        ...(isCritical ? { critical: ["between"] } : {}),
      }),
    );
  fc.assert(
    fc.property(anyOffer, fc.array(anyStep), fc.nat(999), (document, steps, permille) => {
      const gate = new InstallGate(document, 0, () => permille / 1000);
      let now = 0;
      for (const { wait, utc, mayReboot } of steps) {
        now += wait;
        const decision = gate.decide({ now, utc, mayReboot });
        const isTimeUnknown = utc === undefined;
        if (decision.type === "switch") {
          expect(mayReboot).toBe(true);
          if (isTimeUnknown) expect([needsClock(document), now >= 60_000]).toEqual([false, true]);
          else expect(utc).toBeGreaterThanOrEqual(Date.parse(document.install_after ?? ""));
          return;
        }
        const { until } = decision;
        expect(until === undefined).toBe(!mayReboot || (isTimeUnknown && needsClock(document)));
        if (until !== undefined) {
          expect(until).toBeGreaterThan(now);
          expect(until - now).toBeLessThanOrEqual(HOUR);
        }
      }
    }),
  );
});

test("ends the wait: who looks whenever it is told to, with a clock that works, switches within two windows", () => {
  const document = offer({ between: { start_minute: 0, minutes: 30 }, restart_spread_ms: 10 * 60_000 });
  fc.assert(
    fc.property(fc.nat(24 * HOUR), fc.nat(999), (start, permille) => {
      const gate = new InstallGate(document, 0, () => permille / 1000);
      let now = 0;
      for (;;) {
        const decision = gate.decide({ now, utc: NOON + start + now, mayReboot: true });
        if (decision.type === "switch") return;
        now = decision.until ?? Number.NaN;
        expect(now).toBeLessThan(50 * HOUR);
      }
    }),
  );
});
