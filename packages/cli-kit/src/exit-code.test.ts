import { OtaError } from "@tinybms/ota-core";
import { expect, test } from "vitest";
import { exitCodeOf } from "./exit-code.ts";

test.for([
  [new OtaError("arguments/invalid", "", {}), 2],
  [new OtaError("manifest/not-found", "", { file: "" }), 2],
  [new OtaError("package/binary-not-found", "", { file: "" }), 2],
  [new OtaError("package/write-failed", "", { file: "" }), 1],
  [new OtaError("image/invalid", "", { offset: 0 }), 2],
  [new OtaError("delivery/interrupted", "", {}), 130],
  [new OtaError("delivery/no-device", "", { expected: [] }), 1],
  [new OtaError("protocol/malformed", "", { message: "offer", path: "" }), 1],
  [new OtaError("offer/unsigned", "", {}), 1],
  [new Error("a bug"), 1],
  ["no error at all", 1],
] as const)("ends a command that throws %o with %i", ([error, exitCode]) => {
  expect(exitCodeOf(error)).toBe(exitCode);
});
