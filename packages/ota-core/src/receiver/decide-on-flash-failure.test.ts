import { expect, test } from "vitest";
import { OtaError } from "../errors.ts";
import { decideOnFlashFailure } from "./decide-on-flash-failure.ts";
import type { DownloadPhase } from "./download-phase.ts";
import type { FlashOperation } from "./receiver-events.ts";

const WHY = new OtaError("offer/wrong-chip", "it is for another chip", { expected: 0, found: 9 });
const WRITING: DownloadPhase = { name: "fetch", writing: { index: 2, bytes: new Uint8Array(1) } };
const REJECTED = { code: "delivery/image-rejected" };
const WORN_OUT = { code: "delivery/flash-failed" };

test.for<[DownloadPhase, FlashOperation, failures: number, decision: object]>([
  [{ name: "hashes" }, "read-flash", 0, { type: "ignore" }],
  [{ name: "scan", index: 1 }, "read-flash", 0, { type: "miss-chunk", index: 1 }],
  [{ name: "invalidate" }, "erase-sector", 1, { type: "erase-again" }],
  [{ name: "invalidate" }, "erase-sector", 2, { type: "fail", error: { ...WORN_OUT, details: { sector: 0 } } }],
  [{ name: "invalidate" }, "invalidate-otadata", 2, { type: "fetch" }],
  [WRITING, "program", 1, { type: "forget-chunk" }],
  [WRITING, "program", 2, { type: "fail", error: { ...WORN_OUT, details: { sector: 2 } } }],
  [{ name: "verify" }, "verify-image", 0, { type: "start-over", error: REJECTED }],
  [{ name: "condemn", error: WHY }, "erase-sector", 0, { type: "fail", error: WHY }],
  [{ name: "switch" }, "set-boot-partition", 0, { type: "fail", error: REJECTED }],
  [{ name: "switch" }, "program", 0, { type: "ignore" }],
  [{ name: "ended" }, "program", 0, { type: "ignore" }],
])("decides in phase $0.name after a failed $1 with $2 failures before", ([phase, operation, failures, decision]) => {
  expect(decideOnFlashFailure(phase, operation, 0x105, failures)).toMatchObject(decision);
});
