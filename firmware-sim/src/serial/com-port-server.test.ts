import { toHex } from "@tinybms/ota-core";
import { buildNegotiation, buildSubnegotiation } from "@tinybms/ota-core/serial";
import { expect, test } from "vitest";
import { type ComPortAction, ComPortServer } from "./com-port-server.ts";

const [WILL, DO, DONT] = [0xfb, 0xfd, 0xfe];

function command(server: ComPortServer, ...bytes: readonly number[]): readonly ComPortAction[] {
  return server.receive(buildSubnegotiation(44, Uint8Array.from(bytes)));
}

function answers(actions: readonly ComPortAction[]): readonly string[] {
  return actions.flatMap((action) => (action.type === "answer" ? [toHex(action.bytes)] : []));
}

test("accepts options of a serial port once each, and refuses others", () => {
  const server = new ComPortServer();
  expect(answers(server.receive(buildNegotiation(DO, 44)))).toEqual(["fffb2c"]);
  expect(answers(server.receive(buildNegotiation(WILL, 44)))[0]).toBe("fffd2c");
  expect(answers(server.receive(buildNegotiation(DO, 44)))).toEqual([]);
  expect(answers(server.receive(buildNegotiation(DO, 1)))).toEqual(["fffc01"]);
  expect(answers(server.receive(buildNegotiation(WILL, 31)))).toEqual(["fffe1f"]);
  expect(answers(server.receive(buildNegotiation(DONT, 1)))).toEqual([]);
});

test("answers every setting with itself, and sets the baud rate", () => {
  const server = new ComPortServer();
  const actions = command(server, 1, 0, 0x0e, 0x10, 0x00);
  expect(actions[0]).toEqual({ type: "baud-rate", baudRate: 921_600 });
  expect(answers(actions)).toEqual(["fffa2c65000e1000fff0"]);
  expect(answers(command(server, 2, 8))).toEqual(["fffa2c6608fff0"]);
  expect(answers(command(server, 5, 1))).toEqual(["fffa2c6901fff0"]);
  expect(answers(command(server, 12, 3))).toEqual(["fffa2c7003fff0"]);
  expect(answers(command(server, 200, 3))).toEqual([]);
});

test("reports the modem state when a client offers the option, sets its mask or requests it", () => {
  const state = "fffa2c6b00fff0";
  const server = new ComPortServer();
  expect(answers(server.receive(buildNegotiation(WILL, 44)))).toEqual(["fffd2c", state]);
  expect(answers(command(server, 11, 0xff))).toEqual(["fffa2c6ffffffff0", state]);
  expect(answers(command(server, 7))).toEqual([state]);
});

test("sets control lines", () => {
  const server = new ComPortServer();
  const signalsOf = (value: number) => command(server, 5, value)[0];
  expect(signalsOf(12)).toEqual({ type: "signals", signals: { rts: false } });
  expect(signalsOf(9)).toEqual({ type: "signals", signals: { dtr: false } });
  expect(signalsOf(11)).toEqual({ type: "signals", signals: { rts: true } });
});

test("completes the sequence into the loader when DTR is set while RTS holds the board in reset", () => {
  const server = new ComPortServer();
  command(server, 5, 9);
  expect(command(server, 5, 8)[0]).toEqual({ type: "signals", signals: { dtr: true, rts: false } });
});

test("doubles FF in data in both directions", () => {
  const server = new ComPortServer();
  expect(server.receive(Uint8Array.of(1, 0xff, 0xff, 2))).toEqual([
    { type: "write", bytes: Uint8Array.of(1, 0xff, 2) },
  ]);
  expect(server.send(Uint8Array.of(1, 0xff, 2))).toEqual(Uint8Array.of(1, 0xff, 0xff, 2));
});
