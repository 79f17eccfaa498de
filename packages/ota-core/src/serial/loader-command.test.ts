import fc from "fast-check";
import { expect, test } from "vitest";
import { fromHex, toHex, utf8 } from "../bytes.ts";
import {
  buildLoaderBlock,
  buildLoaderRequest,
  buildLoaderResponse,
  LoaderOp,
  loaderChecksum,
  loaderWords,
  parseLoaderBlock,
  parseLoaderRequest,
  parseLoaderResponse,
  STUB_GREETING,
  SYNC_DATA,
  splitLoaderStatus,
} from "./loader-command.ts";
import { LoaderStatus, loaderStatusMeaning } from "./loader-status.ts";
import { buildSecurityInfo, parseSecurityInfo } from "./security-info.ts";

const uint32 = fc.nat(0xffff_ffff);

test("SYNC has the bytes that every flasher sends", () => {
  const hex = toHex(buildLoaderRequest(LoaderOp.SYNC, SYNC_DATA));
  expect(hex).toBe(`0008240000000000${"07071220"}${"55".repeat(32)}`);
});

test("every built request is parsed back to itself", () => {
  fc.assert(
    fc.property(fc.nat(0xff), fc.uint8Array({ maxLength: 100 }), uint32, (op, data, checksum) => {
      expect(parseLoaderRequest(buildLoaderRequest(op, data, checksum))).toEqual({ op, checksum, data });
    }),
  );
});

test("every built response is parsed back to itself, with the status size of ROM and stub", () => {
  fc.assert(
    fc.property(
      fc.record({
        op: fc.nat(0xff),
        value: uint32,
        payload: fc.uint8Array({ maxLength: 64 }),
        status: fc.nat(0xffff),
        statusSize: fc.constantFrom(2 as const, 4 as const),
      }),
      (response) => {
        const { op, value, payload, status, statusSize } = response;
        const parsed = parseLoaderResponse(buildLoaderResponse(response))!;
        expect(parsed).toMatchObject({ op, value });
        expect(parsed.data.length).toBe(payload.length + statusSize);
        expect(splitLoaderStatus(parsed.data, payload.length)).toEqual({ payload, status });
      },
    ),
  );
});

test("a failure without payload has its status", () => {
  expect(splitLoaderStatus(fromHex("01050000")!, 32)).toEqual({ payload: new Uint8Array(0), status: 0x0105 });
  expect(splitLoaderStatus(fromHex("c100")!, 16)).toEqual({ payload: new Uint8Array(0), status: 0xc100 });
  expect(splitLoaderStatus(fromHex("010500")!, 16)).toBeUndefined();
});

test.for([
  ["fewer than 8 bytes", "00080000000000"],
  ["another direction", "0208000000000000"],
  ["less data than its length says", "000802000000000001"],
  ["more data than its length says", "00080000000000000001"],
] as const)("a frame with %s is neither request nor response", ([, hex]) => {
  expect(parseLoaderRequest(fromHex(hex)!)).toBeUndefined();
  expect(parseLoaderResponse(fromHex(hex)!)).toBeUndefined();
});

test("any frame is parsed or refused without an exception", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(40), (bytes, payloadSize) => {
      const request = parseLoaderRequest(bytes);
      if (request !== undefined) parseLoaderBlock(request.data);
      const response = parseLoaderResponse(bytes);
      if (response !== undefined) splitLoaderStatus(response.data, payloadSize);
      parseSecurityInfo(bytes);
    }),
  );
});

test("the stub's greeting is not a response", () => {
  expect(STUB_GREETING).toEqual(utf8("OHAI"));
  expect(parseLoaderResponse(STUB_GREETING)).toBeUndefined();
});

test("a block contains its sequence number and the XOR of its bytes", () => {
  const frame = buildLoaderBlock(LoaderOp.FLASH_DATA, 3, fromHex("010204")!);
  expect(toHex(frame)).toBe(`00031300e8000000${"03000000"}${"03000000"}${"00".repeat(8)}010204`);
  const request = parseLoaderRequest(frame)!;
  const block = parseLoaderBlock(request.data)!;
  expect(block).toEqual({ sequence: 3, bytes: fromHex("010204") });
  expect(loaderChecksum(block.bytes)).toBe(request.checksum);
});

test("a block with a wrong length is refused", () => {
  expect(parseLoaderBlock(loaderWords(5, 0, 0, 0))).toBeUndefined();
  expect(parseLoaderBlock(loaderWords(0, 0, 0))).toBeUndefined();
});

test("data that is too long for a packet throws a RangeError", () => {
  expect(() => buildLoaderRequest(LoaderOp.MEM_DATA, new Uint8Array(0x10000))).toThrow(RangeError);
});

test("security info has 20 bytes, or 12 without a chip id", () => {
  const info = { flags: 5, flashCryptCount: 1, keyPurposes: fromHex("01020304050607")!, chipId: 9, apiVersion: 2 };
  const long = buildSecurityInfo(info);
  expect(toHex(long)).toBe("0500000001010203040506070900000002000000");
  expect(parseSecurityInfo(long)).toEqual(info);
  const short = buildSecurityInfo({ ...info, chipId: undefined, apiVersion: undefined });
  expect(short.length).toBe(12);
  expect(parseSecurityInfo(short)).toEqual({ ...info, chipId: undefined, apiVersion: undefined });
});

test("every status has a meaning, and an unknown status its number", () => {
  const known = Object.values(LoaderStatus).map(loaderStatusMeaning);
  expect(known.some((meaning) => meaning.startsWith("status"))).toBe(false);
  expect(loaderStatusMeaning(0x01ff)).toBe("status 0x01ff");
});
