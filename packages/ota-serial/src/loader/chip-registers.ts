import type { ChipName } from "@tinybms/ota-core/esp";

/** Reads a 32-bit register. */
export type ReadRegister = (address: number) => Promise<number>;

/** Register addresses of the SPI controller that the flash is connected to. */
export interface SpiRegisters {
  readonly command: number;
  readonly user: number;
  readonly user2: number;
  readonly misoLength: number;
  readonly data: number;
}

/** Registers of a chip that a flasher reads (Espressif's technical reference manuals, chapters eFuse and SPI). */
export interface ChipRegisters {
  /** Espressif's spelling of the chip's name, which also selects the stub. */
  readonly displayName: string;
  /** Address of the eFuse controller. */
  readonly efuse: number;
  /** Address of the last four bytes of the MAC address. */
  readonly macLow: number;
  /** Address of the first two bytes of the MAC address. */
  readonly macHigh: number;
  readonly spi: SpiRegisters;
  /** Address of `RTC_CNTL_FORCE_DOWNLOAD_BOOT`: its bit 0, set over USB, keeps the chip in its loader across a reset. */
  readonly forceDownload?: number;
  /** Reads the chip revision: major × 100 + minor, as in image headers. */
  readonly revision: (read: ReadRegister) => Promise<number>;
  /** Reads the revision of the eFuse blocks, in the same form. Absent on chips whose images have no limit for it. */
  readonly blockRevision?: (read: ReadRegister) => Promise<number>;
}

/** Register that identifies ESP32 and ESP32-S2, which have no chip id. */
export const MAGIC_REGISTER = 0x4000_1000;

/** Chips by the value of {@link MAGIC_REGISTER}. */
export const MAGIC_VALUES: ReadonlyMap<number, ChipName> = new Map<number, ChipName>([
  [0x00f0_1d83, "esp32"],
  [0x0000_07c6, "esp32s2"],
]);

const ESP32_EFUSE = 0x3ff5_a000;

/** Chips that this package can flash. */
export const CHIP_REGISTERS: Readonly<Partial<Record<ChipName, ChipRegisters>>> = {
  esp32: {
    displayName: "ESP32",
    efuse: ESP32_EFUSE,
    macLow: ESP32_EFUSE + 0x04,
    macHigh: ESP32_EFUSE + 0x08,
    spi: { command: 0x3ff4_2000, user: 0x3ff4_201c, user2: 0x3ff4_2024, misoLength: 0x3ff4_202c, data: 0x3ff4_2080 },
    revision: esp32Revision,
  },
  esp32s2: laterChip("ESP32-S2", 0x3f41_a000, 0x3f40_2000, {
    chip: (one) => ({ major: bits(one(3), 18, 2), minor: (bits(one(3), 20, 1) << 3) | bits(one(4), 4, 3) }),
    block: (one, two) => ({ major: bits(one(3), 25, 2), minor: bits(two(4), 4, 3) }),
  }),
  esp32s3: {
    ...laterChip("ESP32-S3", 0x6000_7000, 0x6000_2000, {
      // With block revision 1.1, the upper bits of the wafer revision have another use. All such chips have revision 0.0
      // (`efuse_hal.c`, `is_eco0`).
      chip: (one, two) =>
        bits(one(3), 18, 3) === 0 && bits(two(4), 0, 2) === 1 && bits(one(3), 24, 3) === 1
          ? { major: 0, minor: 0 }
          : revisionInWords3And5(one),
      block: blockRevisionInBothBlocks,
    }),
    forceDownload: 0x6000_812c,
  },
  esp32c3: laterChip("ESP32-C3", 0x6000_8800, 0x6000_2000, {
    chip: revisionInWords3And5,
    block: blockRevisionInBothBlocks,
  }),
  esp32c6: laterChip("ESP32-C6", 0x600b_0800, 0x6000_3000, {
    chip: (one) => ({ major: bits(one(3), 22, 2), minor: bits(one(3), 18, 4) }),
    block: (one) => ({ major: bits(one(3), 30, 2), minor: bits(one(3), 27, 3) }),
  }),
  esp32h2: laterChip("ESP32-H2", 0x600b_0800, 0x6000_3000, {
    chip: (one) => ({ major: bits(one(3), 21, 2), minor: bits(one(3), 18, 3) }),
    block: (_, two) => ({ major: bits(two(4), 5, 2), minor: bits(two(4), 2, 3) }),
  }),
};

interface Revision {
  readonly major: number;
  readonly minor: number;
}

/** Returns word n of an eFuse block. */
type Word = (index: number) => number;

/** Extracts a revision from eFuse blocks 1 and 2 (`esp_efuse_table.csv` of each chip). */
type RevisionOf = (one: Word, two: Word) => Revision;

function revisionInWords3And5(one: Word): Revision {
  return { major: bits(one(5), 24, 2), minor: (bits(one(5), 23, 1) << 3) | bits(one(3), 18, 3) };
}

function blockRevisionInBothBlocks(one: Word, two: Word): Revision {
  return { major: bits(two(4), 0, 2), minor: bits(one(3), 24, 3) };
}

/** Returns the registers of a chip with MAC address and revisions in eFuse blocks 1 and 2. */
function laterChip(
  displayName: string,
  efuse: number,
  spi: number,
  revisions: { readonly chip: RevisionOf; readonly block: RevisionOf },
): ChipRegisters {
  const [blockOne, blockTwo] = [efuse + 0x44, efuse + 0x5c];
  const reader =
    (revisionOf: RevisionOf) =>
    async (read: ReadRegister): Promise<number> => {
      const one = [0, 0, 0, await read(blockOne + 12), await read(blockOne + 16), await read(blockOne + 20)];
      const two = [0, 0, 0, 0, await read(blockTwo + 16)];
      const { major, minor } = revisionOf(
        (index) => one[index] ?? 0,
        (index) => two[index] ?? 0,
      );
      return 100 * major + minor;
    };
  return {
    displayName,
    efuse,
    macLow: blockOne,
    macHigh: blockOne + 4,
    spi: { command: spi, user: spi + 0x18, user2: spi + 0x20, misoLength: spi + 0x28, data: spi + 0x58 },
    revision: reader(revisions.chip),
    blockRevision: reader(revisions.block),
  };
}

/** Reads the revision of an ESP32. Its major revision is the number of set bits among three, one of them not an eFuse. */
async function esp32Revision(read: ReadRegister): Promise<number> {
  const first = bits(await read(ESP32_EFUSE + 0x0c), 15, 1);
  const word5 = await read(ESP32_EFUSE + 0x14);
  const second = bits(word5, 20, 1);
  const third = bits(await read(0x3ff6_607c), 31, 1);
  const major = first === 0 ? 0 : second === 0 ? 1 : third === 0 ? 2 : 3;
  return 100 * major + bits(word5, 24, 2);
}

function bits(word: number, from: number, count: number): number {
  return (word >>> from) & (2 ** count - 1);
}
