import fc from "fast-check";
import { expect, test } from "vitest";
import { buildStateReport } from "../messages/state-report.ts";
import type { StateReport } from "../schemas/types.generated.ts";
import { FleetView, isBehind } from "./fleet-view.ts";

function reportOf(device: string, members: Partial<StateReport> = {}): StateReport {
  return {
    protocol: 1,
    device,
    state: "idle",
    version: "1.0.0",
    slot: "ota_0",
    running_sha256: "a".repeat(64),
    received: 0,
    total: 0,
    accepted: [0, 0],
    rollback: true,
    clock: false,
    online: true,
    boot_count: 1,
    ...members,
  };
}

const payloadOf = (device: string, members: Partial<StateReport> = {}): Uint8Array =>
  buildStateReport(reportOf(device, members));

test("counts devices by running image, state, error code and key set", () => {
  const fleet = new FleetView();
  fleet.report("a", payloadOf("a", { state: "confirmed", accepted: [1, 7], key_set: 2 }), 0);
  fleet.report("b", payloadOf("b", { state: "failed", error: { code: "flash/failed", message: "" } }), 1);
  fleet.report("c", payloadOf("c", { running_sha256: "b".repeat(64), online: false }), 2);
  expect(fleet.counts()).toEqual({
    devices: 3,
    online: 2,
    byRunningImage: new Map([
      ["a".repeat(64), 2],
      ["b".repeat(64), 1],
    ]),
    byState: new Map([
      ["confirmed", 1],
      ["failed", 1],
      ["idle", 1],
    ]),
    byErrorCode: new Map([["flash/failed", 1]]),
    byKeySet: new Map([
      [2, 1],
      [0, 2],
    ]),
    highestAccepted: [1, 7],
  });
});

test("takes from a will only that the device is offline", () => {
  const fleet = new FleetView();
  fleet.report("a", payloadOf("a", { state: "confirmed", accepted: [3, 107], boot_count: 2 }), 0);
  const result = fleet.report("a", payloadOf("a", { state: "idle", online: false }), 5);
  expect(result).toBe("changed");
  expect(fleet.find("a")).toMatchObject({
    online: false,
    heardAt: 5,
    report: { state: "confirmed", accepted: [3, 107], bootCount: 2 },
  });
});

test("takes a will as it is if nothing else was heard of the device", () => {
  const fleet = new FleetView();
  fleet.report("a", payloadOf("a", { state: "confirmed", online: false }), 0);
  expect(fleet.find("a")).toMatchObject({ online: false, report: { state: "confirmed" } });
});

test("counts messages that are not reports of the device in the topic", () => {
  const fleet = new FleetView();
  expect(fleet.report("a", new TextEncoder().encode("{}"), 0)).toBe("malformed");
  expect(fleet.report("a", payloadOf("b"), 0)).toBe("malformed");
  expect(fleet.malformed).toBe(2);
  expect(fleet.devices()).toEqual([]);
});

test("remembers a bounded number of devices and of changes, whatever is reported", () => {
  const reports = fc.array(
    fc.record({
      device: fc.constantFrom("a", "b", "c", "d", "e"),
      state: fc.constantFrom("idle", "downloading", "confirmed", "failed"),
      online: fc.boolean(),
      received: fc.nat(9),
    }),
    { maxLength: 300 },
  );
  fc.assert(
    fc.property(reports, (all) => {
      const fleet = new FleetView({ devicesMax: 3 });
      const heard: string[] = [];
      all.forEach(({ device, ...members }, at) => {
        fleet.report(device, payloadOf(device, { ...members, total: 9 } as Partial<StateReport>), at);
        heard.push(device);
      });
      const latest = [...new Set(heard.reverse())].slice(0, 3).sort();
      const devices = fleet.devices();
      expect(devices.map(({ device }) => device)).toEqual(latest);
      for (const { changes } of devices) {
        expect(changes.length).toBeLessThanOrEqual(32);
        changes.slice(1).forEach((change, index) => {
          const { at, ...rest } = changes[index]!;
          expect(change.at).toBeGreaterThan(at);
          expect(change).not.toMatchObject(rest);
        });
      }
    }),
  );
});

test("compares counters by epoch, then by sequence", () => {
  expect(isBehind([1, 9], [2, 1])).toBe(true);
  expect(isBehind([2, 1], [1, 9])).toBe(false);
  expect(isBehind([2, 1], [2, 2])).toBe(true);
  expect(isBehind([2, 2], [2, 2])).toBe(false);
});
