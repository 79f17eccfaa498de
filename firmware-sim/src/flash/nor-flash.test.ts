import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NorFlash, PAGE_SIZE } from "./nor-flash.ts";
import { PowerCut } from "./power-cut.ts";
import { SECTOR_SIZE } from "./sector-store.ts";
import { ERASE_TEARS, PROGRAM_TEARS } from "./tears.ts";

const MIB = 1024 * 1024;

/** Runs software that a power cut must end. */
function cutDuring(work: () => void): PowerCut {
  try {
    work();
  } catch (error) {
    if (error instanceof PowerCut) return error;
    throw error;
  }
  throw new Error("the cut never fell");
}

test("starts blank, without memory per sector", () => {
  const flash = new NorFlash(128 * MIB);
  expect(flash.read(127 * MIB, 16)).toEqual(new Uint8Array(16).fill(0xff));
  expect(flash.operationCount).toBe(0);
  for (const sizeBytes of [0, 3 * MIB, 256 * MIB, 4096, Number.NaN]) {
    expect(() => new NorFlash(sizeBytes)).toThrow(RangeError);
  }
});

test("clears bits and never sets one", () => {
  const flash = new NorFlash(MIB);
  flash.program(0x1000, Uint8Array.of(0b1111_0000));
  flash.program(0x1000, Uint8Array.of(0b1010_1010));
  expect(flash.read(0x1000, 1)).toEqual(Uint8Array.of(0b1010_0000));
  expect(flash.violations).toEqual([
    {
      kind: "program-without-erase",
      offset: 0x1000,
      detail: "program of 0xaa at 0x1000 over 0xf0 needs an erase first",
    },
  ]);
});

test("counts one operation for each page touched", () => {
  const flash = new NorFlash(MIB);
  flash.program(PAGE_SIZE - 1, new Uint8Array(PAGE_SIZE + 2)); // the last byte of a page, a page, one byte
  flash.program(0x3000, new Uint8Array(0));
  flash.eraseRange(0x1000, 2 * SECTOR_SIZE);
  expect(flash.counters).toEqual({
    reads: 0,
    pagePrograms: 3,
    sectorErases: 2,
    bytesRead: 0,
    bytesProgrammed: PAGE_SIZE + 2,
  });
  expect(flash.operationCount).toBe(5);
  expect([0, 1, 2, 3].map((sector) => flash.wear(sector))).toEqual([0, 1, 1, 0]);
  expect(flash.busyMs).toBeCloseTo(3 * 0.7 + 2 * 45);
});

test("rejects and records violations of the chip's rules", () => {
  const flash = new NorFlash(MIB);
  expect(flash.program(MIB - 1, new Uint8Array(2))).toBe(false);
  expect(flash.read(MIB, 1)).toEqual(new Uint8Array(0));
  expect(flash.forEachSector(-4, 8, () => expect.unreachable())).toBe(false);
  expect(flash.eraseSector(0x1001)).toBe(false);
  expect(flash.eraseRange(0x1000, 100)).toBe(false);
  expect(flash.eraseSector(MIB)).toBe(false);
  expect(flash.violations.map(({ kind, offset }) => [kind, offset])).toEqual([
    ["out-of-bounds", MIB - 1],
    ["out-of-bounds", MIB],
    ["out-of-bounds", -4],
    ["erase-unaligned", 0x1001],
    ["erase-unaligned", 0x1000],
    ["out-of-bounds", MIB],
  ]);
  expect(flash.operationCount).toBe(0);
  expect(flash.dump().every((byte) => byte === 0xff)).toBe(true);
});

test("keeps the first thousand violations, and counts all", () => {
  const flash = new NorFlash(MIB);
  for (let index = 0; index < 1_500; index++) flash.eraseSector(1);
  expect([flash.violations.length, flash.violationCount]).toEqual([1_000, 1_500]);
});

test("separates a snapshot from later changes of its original", () => {
  const flash = new NorFlash(MIB);
  flash.load(0, Uint8Array.of(1, 2, 3));
  flash.eraseSector(0x1000);
  const copy = flash.snapshot();
  flash.program(0, Uint8Array.of(0));
  copy.eraseSector(0);
  copy.program(0x1000, Uint8Array.of(7));
  expect(flash.truth(0, 3)).toEqual(Uint8Array.of(0, 2, 3));
  expect(copy.truth(0, 3)).toEqual(Uint8Array.of(0xff, 0xff, 0xff));
  expect(flash.truth(0x1000, 1)).toEqual(Uint8Array.of(0xff));
  expect([flash.wear(0), copy.wear(0), copy.wear(1)]).toEqual([0, 1, 1]);
});

test("loads bytes over any content, across sectors, without wear or counts", () => {
  const flash = new NorFlash(MIB);
  const bytes = Uint8Array.from({ length: 3 * SECTOR_SIZE }, (_, index) => index % 251);
  flash.load(100, new Uint8Array(4 * SECTOR_SIZE));
  flash.load(200, bytes);
  expect(flash.truth(200, bytes.length)).toEqual(bytes);
  expect(flash.truth(100, 100)).toEqual(new Uint8Array(100));
  flash.load(0, new Uint8Array(SECTOR_SIZE).fill(0xff));
  expect(flash.truth(0, SECTOR_SIZE).every((byte) => byte === 0xff)).toBe(true);
  expect(flash.operationCount).toBe(0);
  expect(() => flash.load(MIB - 1, Uint8Array.of(1, 2))).toThrow(RangeError);
});

test("visits sectors without a copy, in order and within their bounds", () => {
  const flash = new NorFlash(MIB);
  flash.load(0xffe, Uint8Array.of(1, 2, 3, 4));
  const parts: [number, number[]][] = [];
  expect(flash.forEachSector(0xffe, 4, (bytes, offset) => parts.push([offset, [...bytes]]))).toBe(true);
  expect(parts).toEqual([
    [0xffe, [1, 2]],
    [0x1000, [3, 4]],
  ]);
  expect(flash.counters).toMatchObject({ reads: 1, bytesRead: 4 });
});

describe("power cuts", () => {
  test.for([
    { moment: "before", expected: 0xff },
    { moment: "after", expected: 0x00 },
  ] as const)("leaves the operation undone or done after a cut $moment it", ({ moment, expected }) => {
    const flash = new NorFlash(MIB);
    flash.cutPowerAt({ operation: 2, moment });
    const cut = cutDuring(() => flash.program(0, new Uint8Array(3 * PAGE_SIZE)));
    expect(cut).toMatchObject({ operation: 2, moment, variant: undefined });
    expect(flash.truth(0, 1)).toEqual(Uint8Array.of(0)); // the page before is done
    expect(flash.truth(PAGE_SIZE, 1)).toEqual(Uint8Array.of(expected));
    expect(flash.truth(2 * PAGE_SIZE, 1)).toEqual(Uint8Array.of(0xff)); // the page after never began
  });

  test("fails every access without power in the same way", () => {
    const flash = new NorFlash(MIB);
    flash.cutPowerAt({ operation: 1, moment: "before" });
    const cut = cutDuring(() => flash.eraseSector(0));
    expect(flash.isPowered).toBe(false);
    expect(cutDuring(() => flash.read(0, 1))).toBe(cut);
    expect(cutDuring(() => flash.program(0, Uint8Array.of(0)))).toBe(cut);
    expect(cutDuring(() => flash.eraseSector(0))).toBe(cut);
    expect(cutDuring(() => flash.forEachSector(0, 1, () => {}))).toBe(cut);
    expect(cutDuring(() => flash.snapshot().read(0, 1))).toBe(cut);
    expect(flash.truth(0, 1)).toEqual(Uint8Array.of(0xff)); // the tester still sees the cells
    flash.powerOn();
    expect(flash.eraseSector(0)).toBe(true); // and the cut is spent
    expect(flash.wear(0)).toBe(1);
  });

  test("counts operations from the moment of arming, both erases and programs", () => {
    const flash = new NorFlash(MIB);
    flash.eraseSector(0);
    flash.cutPowerAt({ operation: 2, moment: "after" });
    flash.eraseSector(0x1000);
    expect(cutDuring(() => flash.program(0x1000, Uint8Array.of(1))).operation).toBe(3);
    flash.powerOn();
    flash.cutPowerAt({ operation: 1, moment: "after" });
    flash.disarm();
    expect(flash.eraseSector(0)).toBe(true);
  });

  test("rejects an impossible plan by name", () => {
    const flash = new NorFlash(MIB);
    const refused = expect.objectContaining({ code: "simulation/invalid-fault" });
    expect(() => flash.cutPowerAt({ operation: 0, moment: "before" })).toThrow(refused);
    expect(() => flash.cutPowerAt({ operation: 1, moment: "during", variant: "melted" })).toThrow(refused);
    flash.cutPowerAt({ operation: 1, moment: "during", variant: "prefix-1" });
    expect(() => flash.eraseSector(0)).toThrow(refused); // a program's tear, an erase's operation
    expect(flash.operationCount).toBe(0);
  });

  test("has ten torn erases and twelve torn programs with distinct names", () => {
    expect(new Set(ERASE_TEARS.map(({ name }) => name)).size).toBe(10);
    expect(new Set(PROGRAM_TEARS.map(({ name }) => name)).size).toBe(12);
  });

  test.for(PROGRAM_TEARS)("a program torn as $name clears no bit that was not to be cleared", ({ name }) => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: PAGE_SIZE }), fc.nat(), (bytes, seed) => {
        const flash = new NorFlash(MIB);
        flash.cutPowerAt({ operation: 1, moment: "during", variant: name, seed });
        expect(cutDuring(() => flash.program(0x2000, bytes)).variant).toBe(name);
        const cells = flash.truth(0x2000, bytes.length);
        expect(bytes.every((byte, index) => (byte & ~cells[index]!) === 0)).toBe(true);
        expect(flash.truth(0x2000 + bytes.length, PAGE_SIZE).every((byte) => byte === 0xff)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  test.for([
    { name: "untouched", expected: [0xff, 0xff, 0xff, 0xff] },
    { name: "prefix-1", expected: [0x11, 0xff, 0xff, 0xff] },
    { name: "prefix-16", expected: [0x11, 0x22, 0x33, 0x44] },
    { name: "prefix-half", expected: [0x11, 0x22, 0xff, 0xff] },
    { name: "prefix-all-but-last", expected: [0x11, 0x22, 0x33, 0xff] },
    { name: "suffix-half", expected: [0xff, 0xff, 0x33, 0x44] },
    { name: "done-but-weak", expected: [0x11, 0x22, 0x33, 0x44] },
    { name: "done", expected: [0x11, 0x22, 0x33, 0x44] },
  ])("tears a program as $name", ({ name, expected }) => {
    const flash = new NorFlash(MIB);
    flash.cutPowerAt({ operation: 1, moment: "during", variant: name });
    cutDuring(() => flash.program(0, Uint8Array.of(0x11, 0x22, 0x33, 0x44)));
    expect([...flash.truth(0, 4)]).toEqual(expected);
  });

  test("tears a program as all-but-one-bit in exactly one bit, any of them with some seed", () => {
    const missed = new Set<number>();
    for (let seed = 0; seed < 400; seed++) {
      const flash = new NorFlash(MIB);
      flash.cutPowerAt({ operation: 1, moment: "during", variant: "all-but-one-bit", seed });
      cutDuring(() => flash.program(0, Uint8Array.of(0x0f, 0x00, 0xff)));
      const [first, second, third] = flash.truth(0, 3);
      const extra = ((first! ^ 0x0f) << 8) | second!;
      expect(third).toBe(0xff);
      expect(extra & (extra - 1)).toBe(0); // one bit
      missed.add(extra);
    }
    expect(missed.size).toBe(12); // four bits of the first byte, eight of the second
  });

  test.for([
    { name: "untouched", share: 0 },
    { name: "zeroed-quarter", share: 0.25 },
    { name: "zeroed-half", share: 0.5 },
    { name: "zeroed-three-quarters", share: 0.75 },
    { name: "all-zero", share: 1 },
  ])("tears an erase as $name: the start is unchanged and the end is zero", ({ name, share }) => {
    const flash = new NorFlash(MIB);
    flash.load(0x1000, new Uint8Array(SECTOR_SIZE).fill(0xa5));
    flash.cutPowerAt({ operation: 1, moment: "during", variant: name });
    cutDuring(() => flash.eraseSector(0x1000));
    const border = SECTOR_SIZE * (1 - share);
    const cells = flash.truth(0x1000, SECTOR_SIZE);
    expect(cells.subarray(0, border).every((byte) => byte === 0xa5)).toBe(true);
    expect(cells.subarray(border).every((byte) => byte === 0)).toBe(true);
  });

  test.for([
    { name: "mix-10", ones: [0.3, 0.38] }, // a tenth freed, half of the rest still old, and half of the old bits are 1
    { name: "mix-50", ones: [0.59, 0.66] },
    { name: "mix-90", ones: [0.89, 0.96] },
  ])("tears an erase as $name: a seeded mix of old bits, zeros and ones", ({ name, ones }) => {
    const tear = (seed: number) => {
      const flash = new NorFlash(MIB);
      flash.load(0, new Uint8Array(SECTOR_SIZE).fill(0xa5));
      flash.cutPowerAt({ operation: 1, moment: "during", variant: name, seed });
      cutDuring(() => flash.eraseSector(0));
      return flash.truth(0, SECTOR_SIZE);
    };
    const share =
      tear(1).reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0) / (8 * SECTOR_SIZE);
    expect(share).toBeGreaterThan(ones[0]!);
    expect(share).toBeLessThan(ones[1]!);
    expect(tear(1)).toEqual(tear(1));
    expect(tear(1)).not.toEqual(tear(2));
  });

  test("chooses a variant by the seed if none is named", () => {
    const variants = new Set(
      Array.from({ length: 100 }, (_, seed) => {
        const flash = new NorFlash(MIB);
        flash.cutPowerAt({ operation: 1, moment: "during", seed });
        return cutDuring(() => flash.eraseSector(0)).variant;
      }),
    );
    expect(variants.size).toBe(ERASE_TEARS.length);
  });
});

describe("weak cells", () => {
  /** A flash whose first sector read blank when power came back after a torn erase. */
  function weaklyErased(seed: number): NorFlash {
    const flash = new NorFlash(MIB);
    flash.load(0, new Uint8Array(SECTOR_SIZE).fill(0x5a));
    flash.cutPowerAt({ operation: 1, moment: "during", variant: "blank-but-weak", seed });
    cutDuring(() => flash.eraseSector(0));
    flash.powerOn();
    return flash;
  }
  const isBlank = (flash: NorFlash) => flash.read(0, SECTOR_SIZE).every((byte) => byte === 0xff);
  const readsUntilWrong = (flash: NorFlash) => {
    for (let reads = 0; reads < 100; reads++) if (!isBlank(flash)) return reads;
    return Number.POSITIVE_INFINITY;
  };

  test("read correctly at first, and wrong after a number of reads that the seed decides", () => {
    const counts = new Set(Array.from({ length: 50 }, (_, seed) => readsUntilWrong(weaklyErased(seed))));
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...counts)).toBeLessThanOrEqual(12);
    expect(counts.size).toBeGreaterThan(5);
    expect(readsUntilWrong(weaklyErased(4))).toBe(readsUntilWrong(weaklyErased(4)));
  });

  test("read wrong after a later power-on without a read", () => {
    for (let seed = 0; seed < 20; seed++) {
      const flash = weaklyErased(seed);
      for (let boots = 0; boots < 3; boots++) flash.powerOn();
      expect(isBlank(flash)).toBe(false);
      expect(flash.truth(0, SECTOR_SIZE).every((byte) => byte === 0xff)).toBe(true); // the overlay, not the cells
    }
  });

  test("are firm after a complete erase, and where they are programmed again", () => {
    const erased = weaklyErased(1);
    erased.eraseSector(0);
    expect(readsUntilWrong(erased)).toBe(Number.POSITIVE_INFINITY);

    const programmed = weaklyErased(1);
    programmed.program(0, new Uint8Array(SECTOR_SIZE));
    for (let reads = 0; reads < 20; reads++) expect(programmed.read(0, 1)).toEqual(Uint8Array.of(0));
  });

  test("keep their remaining life in a snapshot", () => {
    const flash = weaklyErased(2);
    const copy = flash.snapshot();
    expect(readsUntilWrong(flash)).toBe(readsUntilWrong(copy));
  });

  test("lose only bits that the program just cleared", () => {
    const flash = new NorFlash(MIB);
    flash.cutPowerAt({ operation: 1, moment: "during", variant: "done-but-weak", seed: 3 });
    cutDuring(() => flash.program(0, Uint8Array.of(0x0f, 0xf0)));
    flash.powerOn();
    expect(flash.read(0, 2)).toEqual(Uint8Array.of(0x0f, 0xf0));
    for (let reads = 0; reads < 20; reads++) flash.read(0, 2);
    const later = flash.read(0, 2);
    expect(later).not.toEqual(Uint8Array.of(0x0f, 0xf0));
    expect([later[0]! & 0x0f, later[1]! & 0xf0]).toEqual([0x0f, 0xf0]);
    expect(flash.read(2, 4094).every((byte) => byte === 0xff)).toBe(true);
  });
});

describe("against a plain array", () => {
  const SIZE = MIB;
  interface Model {
    readonly cells: Uint8Array;
    operations: number;
  }
  const offsets = fc.oneof(fc.nat(0x3000), fc.constantFrom(0, 0xfff, 0x1000, SIZE - 2, SIZE));

  class Program implements fc.Command<Model, Real> {
    readonly offset: number;
    readonly bytes: Uint8Array;
    constructor(offset: number, bytes: Uint8Array) {
      [this.offset, this.bytes] = [offset, bytes];
    }
    check = () => true;
    run(model: Model, real: Real): void {
      const fits = this.offset + this.bytes.length <= SIZE;
      expect(real.flash.program(this.offset, this.bytes)).toBe(fits);
      if (!fits) return;
      for (const [index, byte] of this.bytes.entries()) model.cells[this.offset + index]! &= byte;
      if (this.bytes.length > 0) {
        model.operations +=
          Math.floor((this.offset + this.bytes.length - 1) / PAGE_SIZE) - Math.floor(this.offset / PAGE_SIZE) + 1;
      }
    }
    toString = () => `program(${this.offset}, ${this.bytes.length} bytes)`;
  }
  class Erase implements fc.Command<Model, Real> {
    readonly offset: number;
    readonly length: number;
    constructor(offset: number, length: number) {
      [this.offset, this.length] = [offset, length];
    }
    check = () => true;
    run(model: Model, real: Real): void {
      const allowed = this.offset % 4096 === 0 && this.length % 4096 === 0 && this.offset + this.length <= SIZE;
      expect(real.flash.eraseRange(this.offset, this.length)).toBe(allowed);
      if (!allowed) return;
      model.cells.fill(0xff, this.offset, this.offset + this.length);
      model.operations += this.length / 4096;
    }
    toString = () => `eraseRange(${this.offset}, ${this.length})`;
  }
  class Read implements fc.Command<Model, Real> {
    readonly offset: number;
    readonly length: number;
    constructor(offset: number, length: number) {
      [this.offset, this.length] = [offset, length];
    }
    check = () => true;
    run(model: Model, real: Real): void {
      const fits = this.offset + this.length <= SIZE;
      const expected = fits ? model.cells.slice(this.offset, this.offset + this.length) : new Uint8Array(0);
      expect(real.flash.read(this.offset, this.length)).toEqual(expected);
      expect(real.flash.operationCount).toBe(model.operations);
    }
    toString = () => `read(${this.offset}, ${this.length})`;
  }
  /** Goes on with a snapshot, while the original is spoilt. */
  class Snapshot implements fc.Command<Model, Real> {
    check = () => true;
    run(_model: Model, real: Real): void {
      const original = real.flash;
      real.flash = original.snapshot();
      original.program(0, new Uint8Array(0x3000));
      original.eraseRange(0x1000, 0x1000);
    }
    toString = () => "snapshot()";
  }
  interface Real {
    flash: NorFlash;
  }

  test("matches AND and fill after any sequence of programs, erases, reads and snapshots", () => {
    const commands = fc.commands(
      [
        fc.tuple(offsets, fc.uint8Array({ maxLength: 700 })).map(([offset, bytes]) => new Program(offset, bytes)),
        fc
          .tuple(
            fc.oneof(
              fc.nat(3).map((sector) => sector * 4096),
              offsets,
            ),
            fc.constantFrom(0, 1, 4096, 8192),
          )
          .map(([offset, length]) => new Erase(offset, length)),
        fc.tuple(offsets, fc.nat(9_000)).map(([offset, length]) => new Read(offset, length)),
        fc.constant(new Snapshot()),
      ],
      { maxCommands: 40 },
    );
    fc.assert(
      fc.property(commands, (sequence) => {
        const setup = () => ({
          model: { cells: new Uint8Array(SIZE).fill(0xff), operations: 0 },
          real: { flash: new NorFlash(SIZE) },
        });
        fc.modelRun(setup, sequence);
      }),
      { numRuns: 150 },
    );
  });
});
