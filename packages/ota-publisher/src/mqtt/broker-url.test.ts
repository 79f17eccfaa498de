import { isOtaError } from "@tinybms/ota-core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { displayBroker, parseBrokerUrl, redactUrl } from "./broker-url.ts";

test.for([
  ["mqtt://broker.example", "broker.example", 1883],
  ["mqtts://broker.example", "broker.example", 8883],
  ["ws://broker.example/mqtt", "broker.example", 80],
  ["wss://broker.example/mqtt", "broker.example", 443],
  ["mqtt://127.0.0.1:1884", "127.0.0.1", 1884],
  ["mqtt://[::1]:1884", "::1", 1884],
] as const)("%s is %s, port %i", ([url, host, port]) => {
  expect(parseBrokerUrl(url)).toMatchObject({ host, port });
});

test("reads and decodes user information, and shows it in no message", () => {
  const address = parseBrokerUrl("mqtt://ops:p%40ss@broker.example:1884");
  expect(address).toMatchObject({ username: "ops", password: "p@ss" });
  expect(displayBroker(address)).toBe("mqtt://broker.example:1884");
});

test("the path of a WebSocket is kept, with its query", () => {
  expect(parseBrokerUrl("wss://broker.example/mqtt?tenant=1").path).toBe("/mqtt?tenant=1");
});

test.for(["", "localhost", "localhost:1883", "http://localhost", "mqtt://", "mqtt://host:99999", "1883"])(
  "%j is refused, and the message says what a broker's URL looks like",
  (url) => {
    expect(() => parseBrokerUrl(url)).toThrow(
      expect.objectContaining({ code: "arguments/invalid", message: expect.stringContaining("mqtt://HOST:PORT") }),
    );
  },
);

test.for([
  ["mqtt://ops:secret@host:99999", "mqtt://host:99999"],
  ["ops:secret@host", "host"],
  ["mqtt://ops:sec/ret@host", "mqtt://host"],
  ["mqtt:/ops:secret@host", "mqtt:/host"],
  ["mqtt://ops:sec@ret@host", "mqtt://host"],
  ["mqtt://host:1883", "mqtt://host:1883"],
] as const)("%s is shown as %s", ([text, shown]) => {
  expect(redactUrl(text)).toBe(shown);
});

test("any text gives a broker's address or an OtaError that does not repeat what precedes an @", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.webUrl(),
        fc.string().map((text) => `mqtt://u:s3cr3t${text}@h:x`),
      ),
      (text) => {
        try {
          expect(parseBrokerUrl(text).host).not.toBe("");
        } catch (error) {
          expect(isOtaError(error, "arguments/invalid")).toBe(true);
          expect(String(error)).not.toContain("s3cr3t");
        }
      },
    ),
  );
});
