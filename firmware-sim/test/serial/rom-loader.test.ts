import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";
import { toHex, utf8 } from "@tinybms/ota-core";
import { type ChipName, chipByName } from "@tinybms/ota-core/esp";
import {
  buildLoaderRequest,
  encodeSlip,
  LoaderOp,
  LoaderStatus,
  loaderWords,
  parseLoaderResponse,
  parseSecurityInfo,
  SecurityFlag,
  STUB_GREETING,
  splitLoaderStatus,
} from "@tinybms/ota-core/serial";
import { describe, expect, test } from "vitest";
import { createHardware } from "../../src/device/create-device.ts";
import { BenchHost, noise, padded } from "./bench-host.ts";

const CHIPS: readonly ChipName[] = ["esp32", "esp32s2", "esp32s3", "esp32c3", "esp32c6", "esp32h2"];
const OFFSET = 0x21_0000;

function statusOf(response: { readonly data: Uint8Array }, payloadSize = 0): number {
  return splitLoaderStatus(response.data, payloadSize)!.status;
}

function payloadOf(response: { readonly data: Uint8Array }, payloadSize: number): Uint8Array {
  return splitLoaderStatus(response.data, payloadSize)!.payload;
}

/** A loader whose flash is attached and known to be 4 MiB. */
function attached(chip: ChipName = "esp32", options: { readonly flashTakesTime?: boolean } = {}): BenchHost {
  const host = BenchHost.inLoader({ hardware: createHardware({ chip }), ...options });
  host.request(LoaderOp.SPI_ATTACH, 0, 0);
  host.request(LoaderOp.SPI_SET_PARAMS, 0, 4 * 2 ** 20, 0x10000, 0x1000, 0x100, 0xffff);
  return host;
}

function withStub(chip: ChipName = "esp32", options: { readonly flashTakesTime?: boolean } = {}): BenchHost {
  const host = attached(chip, options);
  host.startStub();
  return host;
}

test.for(CHIPS)("%s is recognised by its magic word, or by its chip id", (chip) => {
  const host = BenchHost.inLoader({ hardware: createHardware({ chip }) });
  const security = host.responses(LoaderOp.GET_SECURITY_INFO, new Uint8Array(0));
  if (chip === "esp32") expect(security[0]?.op).toBe(0);
  else if (chip === "esp32s2") expect(parseSecurityInfo(payloadOf(security[0]!, 12))?.chipId).toBeUndefined();
  else expect(parseSecurityInfo(payloadOf(security[0]!, 20))?.chipId).toBe(chipByName(chip)?.id);
  const magic = host.request(LoaderOp.READ_REG, 0x4000_1000).value;
  if (chip === "esp32") expect(magic).toBe(0x00f0_1d83);
  if (chip === "esp32s2") expect(magic).toBe(0x0000_07c6);
});

test("answers SYNC eight times: a ROM with a value, a stub without", () => {
  const host = BenchHost.inLoader({ hardware: createHardware({}) });
  const rom = host.sync();
  expect(rom.length).toBe(8);
  expect(new Set(rom.map(({ value }) => value === 0))).toEqual(new Set([false]));
  expect(rom[0]?.data.length).toBe(4);
  host.startStub();
  const stub = host.sync();
  expect(stub.length).toBe(8);
  expect(stub.every(({ value, data }) => value === 0 && data.length === 2)).toBe(true);
});

test("sends the stub's greeting after the response to MEM_END", () => {
  const host = BenchHost.inLoader({ hardware: createHardware({}) });
  const [response, greeting] = host.startStub();
  expect(parseLoaderResponse(response!)?.op).toBe(LoaderOp.MEM_END);
  expect(greeting).toEqual(STUB_GREETING);
  expect(host.board.isStub).toBe(true);
});

test("hangs after a jump to an address where nothing was uploaded", () => {
  const host = BenchHost.inLoader({ hardware: createHardware({}) });
  expect(host.startStub(0x4008_0000).length).toBe(1);
  expect(host.board.state).toBe("hung");
  expect(host.sync()).toEqual([]);
});

test("answers an unknown command with error 5 eight times in a ROM, and with C3 in a stub", () => {
  const host = BenchHost.inLoader({ hardware: createHardware({}) });
  const rom = host.responses(LoaderOp.ERASE_FLASH, new Uint8Array(0));
  expect(rom.length).toBe(8);
  expect(rom.every((response) => response.op === 0 && statusOf(response) === LoaderStatus.ROM_BAD_MESSAGE)).toBe(true);
  host.startStub();
  const stub = host.only(host.responses(0x77, new Uint8Array(0)));
  expect([stub.op, statusOf(stub)]).toEqual([0x77, LoaderStatus.STUB_UNKNOWN_COMMAND]);
});

test("keeps written register bits, and never changes eFuses", () => {
  const host = BenchHost.inLoader({ hardware: createHardware({}) });
  host.request(LoaderOp.WRITE_REG, 0x3ff4_8000, 0xffff_ffff, 0x0000_ff00, 0);
  host.request(LoaderOp.WRITE_REG, 0x3ff4_8000, 0x0000_0012, 0x0000_00ff, 0);
  expect(host.request(LoaderOp.READ_REG, 0x3ff4_8000).value).toBe(0x0000_ff12);
  host.request(LoaderOp.WRITE_REG, 0x3ff5_a004, 0, 0xffff_ffff, 0);
  expect(host.request(LoaderOp.READ_REG, 0x3ff5_a004).value).toBe(0xc400_0001);
});

/** Runs a transaction of an ESP32's SPI controller. @returns The first four bytes that the flash chip answers. */
function spiCommand(host: BenchHost, command: number, address = 0): number {
  const write = (offset: number, value: number) =>
    host.request(LoaderOp.WRITE_REG, 0x3ff4_2000 + offset, value, 0xffff_ffff, 0);
  write(0x24, ((7 << 28) | command) >>> 0);
  write(0x04, (address << 8) >>> 0);
  write(0x00, 1 << 18);
  expect(host.request(LoaderOp.READ_REG, 0x3ff4_2000).value).toBe(0);
  return host.request(LoaderOp.READ_REG, 0x3ff4_2080).value;
}

test("returns the flash size through the SPI controller once it is attached", () => {
  const host = BenchHost.inLoader({ hardware: createHardware({ flashSizeBytes: 8 * 2 ** 20 }) });
  expect(spiCommand(host, 0x9f)).toBe(0xffff_ffff);
  host.request(LoaderOp.SPI_ATTACH, 0, 0);
  expect(spiCommand(host, 0x9f)).toBe(0x1740ef);
});

test.for([
  ["the signature", 0, 0x5044_4653],
  ["the signature from its second byte on", 1, 0x0050_4446],
  ["the place of the parameter table", 0x0c, 0xff00_0080],
  ["the density, 32 Mbit", 0x84, 32 * 2 ** 20 - 1],
  ["nothing behind the table", 0xa4, 0xffff_ffff],
] as const)("returns %s of the SFDP of the flash chip", ([, address, expected]) => {
  expect(spiCommand(attached(), 0x5a, address)).toBe(expected);
});

describe("writing by the ROM", () => {
  test("pads blocks, and returns the MD5 in hex", () => {
    const host = attached();
    const image = noise(2500);
    expect(statusOf(host.request(LoaderOp.FLASH_BEGIN, 3072, 3, 1024, OFFSET))).toBe(LoaderStatus.OK);
    for (let sequence = 0; sequence < 3; sequence++) {
      const block = padded(image.subarray(1024 * sequence, 1024 * (sequence + 1)), 1024);
      expect(statusOf(host.block(LoaderOp.FLASH_DATA, sequence, block))).toBe(LoaderStatus.OK);
    }
    const md5 = payloadOf(host.request(LoaderOp.SPI_FLASH_MD5, OFFSET, 2500, 0, 0), 32);
    expect(md5).toEqual(utf8(createHash("md5").update(image).digest("hex")));
  });

  test("ends a compressed stream with its last, short block", () => {
    const host = attached();
    const image = padded(noise(9000), 12_000);
    const stream = deflateSync(image);
    const blocks = Math.ceil(stream.length / 1024);
    expect(statusOf(host.request(LoaderOp.FLASH_DEFL_BEGIN, 12_288, blocks, 1024, OFFSET))).toBe(LoaderStatus.OK);
    for (let sequence = 0; sequence < blocks; sequence++) {
      const block = stream.subarray(1024 * sequence, 1024 * (sequence + 1));
      expect(statusOf(host.block(LoaderOp.FLASH_DEFL_DATA, sequence, block))).toBe(LoaderStatus.OK);
    }
    const md5 = payloadOf(host.request(LoaderOp.SPI_FLASH_MD5, OFFSET, 12_000, 0, 0), 32);
    expect(md5).toEqual(utf8(createHash("md5").update(image).digest("hex")));
  });

  test("rejects a compressed stream with a wrong checksum or invalid data", () => {
    const stream = deflateSync(noise(100));
    const flipped = Uint8Array.from(stream, (byte, index) => (index === stream.length - 1 ? byte ^ 1 : byte));
    const host = attached();
    host.request(LoaderOp.FLASH_DEFL_BEGIN, 1024, 1, 1024, OFFSET);
    expect(statusOf(host.block(LoaderOp.FLASH_DEFL_DATA, 0, flipped))).toBe(LoaderStatus.ROM_ADLER32);
    host.request(LoaderOp.FLASH_DEFL_BEGIN, 1024, 1, 1024, OFFSET);
    expect(statusOf(host.block(LoaderOp.FLASH_DEFL_DATA, 0, noise(100)))).toBe(LoaderStatus.ROM_INFLATE);
  });

  test("rejects a block with a flipped bit, and writes nothing", () => {
    const host = attached();
    host.request(LoaderOp.FLASH_BEGIN, 1024, 1, 1024, OFFSET);
    const words = loaderWords(4, 0, 0, 0, 0x1234_5678);
    expect(statusOf(host.only(host.responses(LoaderOp.FLASH_DATA, words)))).toBe(LoaderStatus.ROM_CHECKSUM);
    const { payload } = splitLoaderStatus(host.request(LoaderOp.READ_FLASH_SLOW, OFFSET, 4).data, 64)!;
    expect(toHex(payload.subarray(0, 4))).toBe("ffffffff");
  });

  test("fails without SPI_ATTACH, and beyond 2 MiB without SPI_SET_PARAMS", () => {
    const host = BenchHost.inLoader({ hardware: createHardware({}) });
    expect(statusOf(host.request(LoaderOp.FLASH_BEGIN, 1024, 1, 1024, 0))).toBe(LoaderStatus.ROM_FAILED);
    host.request(LoaderOp.SPI_ATTACH, 0, 0);
    expect(statusOf(host.request(LoaderOp.FLASH_BEGIN, 1024, 1, 1024, OFFSET))).toBe(LoaderStatus.ROM_FAILED);
    expect(statusOf(host.request(LoaderOp.FLASH_BEGIN, 1024, 1, 1024, 0))).toBe(LoaderStatus.OK);
  });

  test("erases the whole range at FLASH_BEGIN before it answers", () => {
    const host = attached("esp32", { flashTakesTime: true });
    host.request(LoaderOp.FLASH_BEGIN, 0x11_0000, 0x440, 1024, OFFSET);
    expect(host.now).toBeGreaterThan(2_000);
    expect(host.now).toBeLessThan(10_000);
  });

  test("leaves the loader at FLASH_END: 1 runs the flash, 0 restarts with the latched boot pin", () => {
    const host = attached();
    host.request(LoaderOp.FLASH_BEGIN, 0, 0, 1024, 0);
    host.request(LoaderOp.FLASH_END, 0);
    expect(host.board.state).toBe("download");
    expect(host.console.match(/waiting for download/g)?.length).toBe(2);
    host.request(LoaderOp.SPI_ATTACH, 0, 0);
    host.request(LoaderOp.FLASH_BEGIN, 0, 0, 1024, 0);
    host.request(LoaderOp.FLASH_END, 1);
    expect(host.board.state).toBe("app");
  });
});

describe("writing by the stub", () => {
  test("drops the padding of the last block, and returns the MD5 as bytes", () => {
    const host = withStub();
    const image = noise(20_000);
    host.request(LoaderOp.FLASH_BEGIN, image.length, 2, 0x4000, OFFSET, 0);
    host.block(LoaderOp.FLASH_DATA, 0, image.subarray(0, 0x4000));
    host.block(LoaderOp.FLASH_DATA, 1, padded(image.subarray(0x4000), 0x4000));
    expect(statusOf(host.request(LoaderOp.FLASH_END, 1))).toBe(LoaderStatus.OK);
    const md5 = payloadOf(host.request(LoaderOp.SPI_FLASH_MD5, OFFSET, image.length, 0, 0), 16);
    expect(toHex(md5)).toBe(createHash("md5").update(image).digest("hex"));
    expect(host.board.state).toBe("download");
  });

  test("acknowledges blocks before writing: an error comes with the next command", () => {
    const host = withStub();
    host.request(LoaderOp.FLASH_DEFL_BEGIN, 1000, 1, 0x4000, OFFSET, 0);
    expect(statusOf(host.block(LoaderOp.FLASH_DEFL_DATA, 0, noise(100)))).toBe(LoaderStatus.OK);
    expect(statusOf(host.request(LoaderOp.READ_REG, 0x4000_1000))).toBe(LoaderStatus.STUB_INFLATE);
    expect(statusOf(host.request(LoaderOp.READ_REG, 0x4000_1000))).toBe(LoaderStatus.OK);
  });

  test("writes a block twice if it is sent twice", () => {
    const host = withStub();
    const image = noise(0x2000);
    host.request(LoaderOp.FLASH_BEGIN, image.length, 2, 0x1000, OFFSET, 0);
    for (const sequence of [0, 0]) host.block(LoaderOp.FLASH_DATA, sequence, image.subarray(0, 0x1000));
    const md5 = payloadOf(host.request(LoaderOp.SPI_FLASH_MD5, OFFSET, 0x2000, 0, 0), 16);
    const twice = createHash("md5").update(image.subarray(0, 0x1000)).update(image.subarray(0, 0x1000)).digest("hex");
    expect(toHex(md5)).toBe(twice);
  });

  test.for([
    ["FLASH_DEFL_END", LoaderOp.FLASH_BEGIN, LoaderOp.FLASH_DATA, LoaderOp.FLASH_DEFL_END],
    ["FLASH_END", LoaderOp.FLASH_DEFL_BEGIN, LoaderOp.FLASH_DATA, LoaderOp.FLASH_END],
  ] as const)("%s ends a write of the other kind", ([, begin, data, end]) => {
    const host = withStub();
    expect(statusOf(host.request(end, 1))).toBe(LoaderStatus.STUB_NOT_IN_FLASH_MODE);
    host.request(begin, 0x1000, 1, 0x1000, OFFSET, 0);
    expect(statusOf(host.request(end, 1))).toBe(LoaderStatus.STUB_DATA_LENGTH);
    host.block(data, 0, noise(0x1000));
    expect(statusOf(host.request(end, 1))).toBe(LoaderStatus.OK);
    expect(statusOf(host.request(end, 1))).toBe(LoaderStatus.STUB_NOT_IN_FLASH_MODE);
  });

  test("rejects FLASH_END before the end and without a beginning", () => {
    const host = withStub();
    expect(statusOf(host.request(LoaderOp.FLASH_END, 1))).toBe(LoaderStatus.STUB_NOT_IN_FLASH_MODE);
    host.request(LoaderOp.FLASH_BEGIN, 0x2000, 2, 0x1000, OFFSET, 0);
    expect(statusOf(host.request(LoaderOp.FLASH_END, 1))).toBe(LoaderStatus.STUB_DATA_LENGTH);
  });

  test("erases during the write, and skips blank sectors", () => {
    const hardware = createHardware({});
    const host = BenchHost.inLoader({ hardware });
    host.startStub();
    const before = hardware.flash.counters.sectorErases;
    const write = (image: Uint8Array) => {
      host.request(LoaderOp.FLASH_BEGIN, image.length, 1, 0x4000, OFFSET, 0);
      host.block(LoaderOp.FLASH_DATA, 0, image);
    };
    write(noise(0x3000));
    expect(hardware.flash.counters.sectorErases).toBe(before);
    write(noise(0x3000, 2));
    expect(hardware.flash.counters.sectorErases).toBe(before + 3);
    expect(hardware.flash.truth(OFFSET, 0x3000)).toEqual(noise(0x3000, 2));
  });

  test("requires exact lengths", () => {
    const host = withStub();
    const short = host.only(host.responses(LoaderOp.SPI_FLASH_MD5, loaderWords(0, 16)));
    expect(statusOf(short)).toBe(LoaderStatus.STUB_DATA_LENGTH);
  });

  test("erases a region in whole sectors", () => {
    const hardware = createHardware({});
    const host = BenchHost.inLoader({ hardware });
    host.startStub();
    expect(statusOf(host.request(LoaderOp.ERASE_REGION, 0x8000, 0x1000))).toBe(LoaderStatus.OK);
    expect(hardware.flash.truth(0x8000, 0x1000).every((byte) => byte === 0xff)).toBe(true);
    expect(statusOf(host.request(LoaderOp.ERASE_REGION, 0x8001, 0x1000))).toBe(LoaderStatus.STUB_DATA_LENGTH);
  });
});

test("writes flash in Secure Download Mode, and returns no data", () => {
  const hardware = createHardware({ chip: "esp32c3", efuse: { secureDownload: true, secureBoot: true } });
  const host = BenchHost.inLoader({ hardware });
  const info = parseSecurityInfo(
    payloadOf(host.only(host.responses(LoaderOp.GET_SECURITY_INFO, new Uint8Array(0))), 20),
  );
  expect(info?.flags).toBe(SecurityFlag.SECURE_BOOT_EN | SecurityFlag.SECURE_DOWNLOAD_ENABLE);
  host.request(LoaderOp.SPI_ATTACH, 0, 0);
  expect(statusOf(host.request(LoaderOp.FLASH_BEGIN, 0x400, 1, 0x400, 0x9000))).toBe(LoaderStatus.OK);
  expect(statusOf(host.block(LoaderOp.FLASH_DATA, 0, noise(0x400)))).toBe(LoaderStatus.OK);
  expect(hardware.flash.truth(0x9000, 0x400)).toEqual(noise(0x400));
  for (const op of [LoaderOp.READ_REG, LoaderOp.MEM_BEGIN, LoaderOp.SPI_FLASH_MD5, LoaderOp.READ_FLASH_SLOW]) {
    expect(host.responses(op, new Uint8Array(16))[0]?.op, `op ${op}`).toBe(0);
  }
});

test("loses frames beyond the queue of a busy loader", () => {
  const host = withStub("esp32", { flashTakesTime: true });
  const read = encodeSlip(buildLoaderRequest(LoaderOp.READ_REG, loaderWords(0x4000_1000)));
  const erase = encodeSlip(buildLoaderRequest(LoaderOp.ERASE_FLASH, new Uint8Array(0)));
  const flood = [erase, ...new Array<Uint8Array>(1000).fill(read)];
  for (const bytes of flood) host.event({ type: "receive", bytes });
  const answers = host.exchange(buildLoaderRequest(LoaderOp.READ_REG, loaderWords(0x4000_1000)));
  expect(answers.length).toBeLessThan(40);
  expect(host.sync().length).toBe(8);
});

test("rejects a stream that inflates to more than announced", () => {
  const host = withStub();
  const bomb = deflateSync(new Uint8Array(8 * 2 ** 20));
  host.request(LoaderOp.FLASH_DEFL_BEGIN, 0x1000, 1, 0x4000, OFFSET, 0);
  host.block(LoaderOp.FLASH_DEFL_DATA, 0, bomb);
  expect(statusOf(host.request(LoaderOp.READ_REG, 0x4000_1000))).toBe(LoaderStatus.STUB_TOO_MUCH_DATA);
});

test("reads flash in acknowledged packets in the stub, and ends with the MD5", () => {
  const host = withStub();
  const image = noise(0x2800);
  host.request(LoaderOp.FLASH_BEGIN, image.length, 1, 0x4000, OFFSET, 0);
  host.block(LoaderOp.FLASH_DATA, 0, image);
  const [response, first] = host.exchange(
    new Uint8Array([0, LoaderOp.READ_FLASH, 16, 0, 0, 0, 0, 0, ...loaderWords(OFFSET, image.length, 0x1000, 64)]),
  );
  expect(statusOf(parseLoaderResponse(response!)!)).toBe(LoaderStatus.OK);
  const packets = [first!];
  for (let received = 0x1000; received <= image.length; received = Math.min(received + 0x1000, image.length)) {
    const [next, ...more] = host.exchange(loaderWords(received));
    expect(more).toEqual([]);
    packets.push(next!);
    if (received === image.length) break;
  }
  const digest = packets.pop()!;
  expect(packets.map(({ length }) => length)).toEqual([0x1000, 0x1000, 0x800]);
  expect(toHex(digest)).toBe(createHash("md5").update(image).digest("hex"));
  expect(new Uint8Array(Buffer.concat(packets))).toEqual(image);
  expect(host.sync().length).toBe(8);
});

test("leaves a torn write and the board off when power fails within a write", () => {
  const hardware = createHardware({});
  const host = BenchHost.inLoader({ hardware });
  host.startStub();
  host.request(LoaderOp.FLASH_BEGIN, 0x4000, 1, 0x4000, OFFSET, 0);
  hardware.flash.cutPowerAt({ operation: 3, moment: "after" });
  expect(statusOf(host.block(LoaderOp.FLASH_DATA, 0, noise(0x4000)))).toBe(LoaderStatus.OK);
  expect(host.isPowerLost).toBe(true);
  expect(host.board.state).toBe("off");
  expect(hardware.flash.truth(OFFSET, 0x300)).toEqual(noise(0x300));
  expect(hardware.flash.truth(OFFSET + 0x300, 0x100).every((byte) => byte === 0xff)).toBe(true);
  host.event({ type: "power-on" });
  host.settle();
  expect(host.board.state).toBe("app");
});
