// Whatever a host sends, the board goes on: no event throws, nothing is answered without being asked, and a reset helps.
import {
  buildLoaderBlock,
  buildLoaderRequest,
  encodeSlip,
  LoaderOp,
  loaderWords,
  parseLoaderResponse,
} from "@tinybms/ota-core/serial";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createHardware } from "../../src/device/create-device.ts";
import { ROM_CHIPS } from "../../src/rom/rom-profiles.ts";
import type { SerialBoardEvent } from "../../src/rom/serial-board-events.ts";
import { BenchHost } from "./bench-host.ts";

type HostEvent<Event = SerialBoardEvent> = Event extends SerialBoardEvent ? Omit<Event, "now"> : never;

const word = fc.oneof(
  fc.constantFrom(0, 1, 0x10, 0x100, 0x400, 0x1000, 0x4000, 0x8000, 0x3f_ffff, 0x40_0000, 0x4000_0000, 0xffff_ffff),
  fc.nat(0xffff_ffff),
);
const op = fc.oneof(fc.constantFrom(...Object.values(LoaderOp)), fc.nat(0xff));
const frame = fc.oneof(
  fc
    .tuple(op, fc.array(word, { maxLength: 6 }))
    .map(([code, words]) => buildLoaderRequest(code, loaderWords(...words))),
  fc
    .tuple(
      fc.constantFrom(LoaderOp.MEM_DATA, LoaderOp.FLASH_DATA, LoaderOp.FLASH_DEFL_DATA),
      fc.nat(2),
      fc.uint8Array({ maxLength: 600 }),
    )
    .map(([code, sequence, bytes]) => buildLoaderBlock(code, sequence, bytes)),
  fc.uint8Array({ maxLength: 50 }),
);
const event: fc.Arbitrary<HostEvent> = fc.oneof(
  { weight: 8, arbitrary: frame.map((bytes) => ({ type: "receive" as const, bytes: encodeSlip(bytes) })) },
  fc.uint8Array({ maxLength: 80 }).map((bytes) => ({ type: "receive" as const, bytes })),
  fc.record({ type: fc.constant("signals" as const), dtr: fc.boolean(), rts: fc.boolean() }),
  fc.record({ type: fc.constant("reset-button" as const), download: fc.boolean() }),
  fc.constant({ type: "app-restart" as const }),
  fc.constant({ type: "timer" as const }),
  fc.constantFrom({ type: "power-off" as const }, { type: "power-on" as const }),
);

test("recovers from any host with the next reset", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ROM_CHIPS),
      fc.boolean(),
      fc.boolean(),
      fc.array(event, { maxLength: 40 }),
      (chip, startsStub, flashTakesTime, events) => {
        const host = BenchHost.inLoader({ hardware: createHardware({ chip }), flashTakesTime });
        if (startsStub) host.startStub();
        for (const one of events) {
          host.event(one);
          host.wait(10);
        }
        host.settle();
        host.event({ type: "power-on" });
        host.event({ type: "signals", dtr: false, rts: false });
        host.event({ type: "reset-button", download: true });
        expect(host.board.state).toBe("download");
        expect(host.sync().length).toBe(8);
      },
    ),
    { numRuns: 300 },
  );
});

test("answers only requests, each with a response of its own op or none", () => {
  fc.assert(
    fc.property(fc.boolean(), fc.array(frame, { maxLength: 20 }), (startsStub, frames) => {
      const host = BenchHost.inLoader({ hardware: createHardware({}) });
      if (startsStub) host.startStub();
      for (const bytes of frames) {
        const isRequest = bytes[0] === 0 && bytes.length >= 8;
        const answers = host.exchange(bytes);
        if (host.board.state !== "download") return;
        if (!isRequest && bytes.length !== 4) expect(answers).toEqual([]);
        const [first] = answers;
        const response = first === undefined ? undefined : parseLoaderResponse(first);
        if (response !== undefined) expect([0, bytes[1]]).toContain(response.op);
      }
    }),
    { numRuns: 300 },
  );
});

test("changes only the flash that a host asked to write", () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 30 }), (frames) => {
      const hardware = createHardware({});
      const host = BenchHost.inLoader({ hardware });
      const before = hardware.flash.dump();
      const written: (readonly [start: number, end: number])[] = [];
      for (const bytes of frames) {
        const isWrite = bytes[1] === LoaderOp.FLASH_BEGIN || bytes[1] === LoaderOp.FLASH_DEFL_BEGIN;
        if (isWrite && bytes.length >= 24) {
          const view = new DataView(bytes.buffer, bytes.byteOffset);
          const offset = view.getUint32(20, true);
          const size = Math.max(view.getUint32(8, true), view.getUint32(12, true) * view.getUint32(16, true));
          written.push([offset - (offset % 4096), Math.ceil((offset + size) / 4096) * 4096]);
        }
        host.event({ type: "receive", bytes: encodeSlip(bytes) });
      }
      const after = hardware.flash.dump();
      for (let sector = 0; sector < after.length; sector += 4096) {
        if (written.some(([start, end]) => sector >= start && sector < end)) continue;
        expect(after.subarray(sector, sector + 4096).every((byte, index) => byte === before[sector + index])).toBe(
          true,
        );
      }
    }),
    { numRuns: 30 },
  );
});
