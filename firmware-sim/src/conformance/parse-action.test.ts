import { expect, test } from "vitest";
import { parseAction } from "./parse-action.ts";
import type { VectorObject } from "./vector.ts";
import { VectorJson } from "./vector-json.ts";

const parse = (action: VectorObject) => parseAction(new VectorJson(new Uint8Array(1)), action);

test.for<readonly [string, VectorObject]>([
  ["text", { text: "{}" }],
  ["base64", { b64: "e30=" }],
  ["JSON", { json: {} }],
])("reads a message written as %s", ([, payload]) => {
  const action = { type: "publish", topic: "a/b", payload, qos: 1, retain: true };
  expect(parse(action)).toEqual({ ...action, payload: new TextEncoder().encode("{}") });
});

test("reads a record as it was stored", () => {
  const record = { accepted: [1, 2], payloadSha256: "" };
  expect(parse({ type: "store", record })).toEqual({ type: "store", record });
});

test.for<VectorObject>([
  { type: "jump" },
  {},
  { type: "subscribe" },
  { type: "publish", topic: "a/b", payload: "text", qos: 1, retain: true },
  { type: "publish", topic: "a/b", payload: { text: "" }, qos: 2, retain: true },
  { type: "erase-sector", offset: -4096 },
  { type: "program", offset: 0, bytes: 7 },
  { type: "set-timer", timer: "egg", at: 1 },
  { type: "store", record: { accepted: "all" } },
  { type: "store-key-set", key_set: {} },
])("refuses %j", (action) => {
  expect(() => parse(action)).toThrowError(expect.objectContaining({ code: "simulation/no-answer" }));
});
