import { utf8 } from "@tinybms/ota-core";
import { expect, test } from "vitest";
import { Login } from "./login.ts";

test("checks one password at a time, and answers busy beyond 64 waiting checks", async () => {
  let running = 0;
  let runningMax = 0;
  const login = new Login([], async () => {
    runningMax = Math.max(runningMax, ++running);
    await new Promise((resolve) => setImmediate(resolve));
    running--;
    return false;
  });
  const results = await Promise.all(Array.from({ length: 100 }, () => login.check("nobody", utf8("guess"))));
  expect(runningMax).toBe(1);
  expect(results.filter((result) => result === "wrong")).toHaveLength(64);
  expect(results.filter((result) => result === "busy")).toHaveLength(36);
});
