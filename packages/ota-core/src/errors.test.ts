import { expect, test } from "vitest";
import { isOtaError, OtaError } from "./errors.ts";

test("recognizes an error of another copy of the module, with its code", async () => {
  const copy: typeof import("./errors.ts") = await import("./errors.ts?copy" as string);
  expect(copy.OtaError).not.toBe(OtaError);
  const error = new copy.OtaError("offer/no-slot", "no slot", {});
  expect(error).toBeInstanceOf(OtaError);
  expect(isOtaError(error)).toBe(true);
  expect(isOtaError(error, "offer/no-slot")).toBe(true);
  expect(isOtaError(error, "offer/stale")).toBe(false);
});

test.for([[new Error("x")], [{ code: "offer/no-slot" }], ["offer/no-slot"], [undefined], [null]])(
  "does not take %j for an OtaError",
  ([thrown]) => {
    expect(isOtaError(thrown)).toBe(false);
    expect(thrown instanceof OtaError).toBe(false);
  },
);
