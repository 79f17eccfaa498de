import { expect, test } from "vitest";
import { installTermsOf } from "../deploy/ways/install-terms.ts";
import { installTime, maintenanceWindow } from "./install-options.ts";

test.for([
  ["22:00-02:00", { start_minute: 1320, minutes: 240 }],
  ["22:00-02:00+01:00", { start_minute: 1320, minutes: 240, offset_minutes: 60 }],
  ["01:30-01:45-09:30", { start_minute: 90, minutes: 15, offset_minutes: -570 }],
  ["00:00-00:00", { start_minute: 0, minutes: 1440 }],
] as const)("reads the window %s", ([text, expected]) => {
  expect(maintenanceWindow(text)).toEqual(expected);
});

test.for(["22-02", "24:00-01:00", "22:00-02:60", "22:00-02:00+15:00", "22:00-02:00 +01:00", ""])(
  "refuses the window %j",
  (text) => {
    expect(() => maintenanceWindow(text)).toThrow("such as 22:00-02:00");
  },
);

test("reads a time to install in its zone, and refuses one without", () => {
  expect(installTime("2026-03-01T02:00:00Z")).toBe("2026-03-01T02:00:00Z");
  expect(installTime("2026-03-01T01:30+02:00")).toBe("2026-02-28T23:30:00Z");
  for (const text of ["2026-03-01T02:00:00", "2026-13-01T02:00:00Z", "tomorrow"]) {
    expect(() => installTime(text)).toThrow("with its zone");
  }
});

test("makes a time critical, unless devices without a clock may install at once", () => {
  const options = { version: "1.0.0", manifest: "", wait: "confirmed", timeout: 1 } as const;
  const between = { start_minute: 0, minutes: 1 };
  expect(installTermsOf({ ...options, restartSpread: 1.5, probationMax: 60 })).toEqual({
    restart_spread_ms: 1500,
    probation_max_ms: 60_000,
  });
  expect(installTermsOf({ ...options, between })).toEqual({ between, critical: ["between"] });
  expect(installTermsOf({ ...options, between, clockless: "install" })).toEqual({ between });
});
