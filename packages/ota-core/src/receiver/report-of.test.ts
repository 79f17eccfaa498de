import { expect, test } from "vitest";
import type { StateReport } from "../schemas/types.generated.ts";
import { type ReportState, reportOf } from "./report-of.ts";

const SHA256 = "ab".repeat(32);
const STATE: ReportState = {
  device: "bench-1",
  state: "idle",
  offer: undefined,
  image: undefined,
  error: undefined,
  accepted: [0, 0],
  keySet: undefined,
  hasClock: false,
  boot: undefined,
  download: undefined,
  counters: { chunksReceived: 0, chunksUseful: 0, requests: 0, refused: undefined },
};
const REPORT: StateReport = {
  protocol: 1,
  device: "bench-1",
  state: "idle",
  version: "",
  slot: "",
  running_sha256: "0".repeat(64),
  received: 0,
  total: 0,
  accepted: [0, 0],
  rollback: false,
  clock: false,
  online: true,
  boot_count: 0,
  stats: { chunks_received: 0, chunks_useful: 0, requests: 0 },
};
const BOOT: ReportState["boot"] = {
  type: "booted",
  now: 0,
  running: { version: "1.0.0", projectName: "bench", slot: "ota_0", sha256: SHA256, pendingVerify: false },
  target: undefined,
  record: undefined,
  bootCount: 7,
  cleanReset: true,
  rollback: true,
  secureVersion: 0,
};

const CASES: readonly [name: string, state: Partial<ReportState>, report: Partial<StateReport>][] = [
  ["that the device knows the time", { hasClock: true }, { clock: true }],
  ["nothing before the first boot", {}, {}],
  [
    "the offer, and the first 16 bytes of the image's hash",
    { offer: "0e", image: SHA256 },
    { offer: "0e", image: SHA256.slice(0, 32) },
  ],
  [
    "the running image",
    { boot: BOOT },
    { version: "1.0.0", slot: "ota_0", running_sha256: SHA256, boot_count: 7, rollback: true },
  ],
  [
    "the progress of a download, with the requests of those before it",
    {
      download: { received: 3, total: 13, requests: 2, isStalled: false },
      counters: { chunksReceived: 5, chunksUseful: 3, requests: 4, refused: undefined },
    },
    { received: 3, total: 13, stats: { chunks_received: 5, chunks_useful: 3, requests: 6 } },
  ],
  [
    "a stalled download",
    { download: { received: 0, total: 1, requests: 0, isStalled: true } },
    { total: 1, stalled: true },
  ],
  ["trust: what was accepted and the key set", { accepted: [2, 9], keySet: 2 }, { accepted: [2, 9], key_set: 2 }],
  [
    "what was refused",
    { counters: { ...STATE.counters, refused: { count: 1, code: "offer/untrusted" } } },
    { refused: { count: 1, code: "offer/untrusted" } },
  ],
  [
    "the error",
    { state: "failed", error: { code: "delivery/flash-failed", message: "worn out" } },
    { state: "failed", error: { code: "delivery/flash-failed", message: "worn out" } },
  ],
];

test.for(CASES)("reports %s", ([, state, report]) => {
  expect(reportOf({ ...STATE, ...state }, true)).toEqual({ ...REPORT, ...report });
  expect(reportOf({ ...STATE, ...state }, false).online).toBe(false);
});
