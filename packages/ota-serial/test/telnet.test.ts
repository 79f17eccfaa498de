import { concatBytes } from "@tinybms/ota-core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ComPort, comPortRequest, escapeTelnet, networkWord, TelnetReader } from "../src/node/telnet.ts";

const [IAC, WILL, WONT, DO, DONT] = [255, 251, 252, 253, 254];

test("whatever bytes a port has, they come out as they went in, cut anywhere, with answers between them", () => {
  const piece = fc.uint8Array({ maxLength: 40 });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), fc.nat(30), (pieces, cut) => {
      const answer = comPortRequest(ComPort.SET_BAUDRATE + 100, networkWord(0x00ff_ff00));
      const sent = concatBytes(pieces.flatMap((bytes) => [escapeTelnet(bytes), answer]));
      const reader = new TelnetReader();
      const inputs = [reader.push(sent.subarray(0, cut)), reader.push(sent.subarray(cut))];
      expect(concatBytes(inputs.map(({ data }) => data))).toEqual(concatBytes(pieces));
      const answers = inputs.flatMap((input) => input.answers);
      expect(answers).toEqual(pieces.map(() => ({ command: ComPort.SET_BAUDRATE, value: networkWord(0x00ff_ff00) })));
    }),
  );
});

test("any bytes are read without an error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      new TelnetReader().push(bytes);
    }),
  );
});

test("what is no option of a port is refused, and a server without ports is noticed", () => {
  const reader = new TelnetReader();
  const ECHO = 1;
  expect(reader.push(Uint8Array.of(IAC, WILL, ECHO, IAC, DO, ECHO)).reply).toEqual(
    Uint8Array.of(IAC, DONT, ECHO, IAC, WONT, ECHO),
  );
  expect(reader.push(Uint8Array.of(IAC, DONT, 44)).isRefused).toBe(true);
});
