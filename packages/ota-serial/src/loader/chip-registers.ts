import type { ChipName } from "@tinybms/ota-core/esp";

/** Reads a 32-bit register. */
export type ReadRegister = (address: number) => Promise<number>;

/** Registers of the SPI controller that the flash hangs on, as addresses. */
export interface SpiRegisters {
  readonly command: number;
  readonly user: number;
  readonly user2: number;
  readonly misoLength: number;
  readonly data: number;
}

/** Where a chip keeps what a flasher asks it (Espressif's technical reference manuals, chapters eFuse and SPI). */
export interface ChipRegisters {
  /** How Espressif writes the chip's name; stubs are kept by it. */
  readonly displayName: string;
  /** First register of the eFuse controller. */
  readonly efuse: number;
  /** Addresses of the MAC's last four bytes and of its first two. */
  readonly macLow: number;
  readonly macHigh: number;
  readonly spi: SpiRegisters;
  /** Bit 0 keeps the chip in its loader over a reset (`RTC_CNTL_FORCE_DOWNLOAD_BOOT`), where its own USB has set it. */
  readonly forceDownload?: number;
  /** Revision of the wafer: major × 100 + minor, as image headers have it. */
  readonly revision: (read: ReadRegister) => Promise<number>;
  /** Revision of the eFuse blocks, in the same form; absent where images are not held to it. */
  readonly blockRevision?: (read: ReadRegister) => Promise<number>;
}

/** The register that tells ESP32 and ESP32-S2, which have no chip id, from each other. */
export const MAGIC_REGISTER = 0x4000_1000;

/** What {@link MAGIC_REGISTER} holds. */
export const MAGIC_VALUES: ReadonlyMap<number, ChipName> = new Map<number, ChipName>([
  [0x00f0_1d83, "esp32"],
  [0x0000_07c6, "esp32s2"],
]);

const ESP32_EFUSE = 0x3ff5_a000;

/** The chips that can be flashed. */
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
      // Block revision 1.1 uses the wafer's upper bits otherwise, on chips of revision 0.0 alone (`efuse_hal.c`, `is_eco0`).
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

/** Where eFuse blocks 1 and 2 have a revision (`esp_efuse_table.csv` of each chip). */
type RevisionOf = (one: Word, two: Word) => Revision;

function revisionInWords3And5(one: Word): Revision {
  return { major: bits(one(5), 24, 2), minor: (bits(one(5), 23, 1) << 3) | bits(one(3), 18, 3) };
}

function blockRevisionInBothBlocks(one: Word, two: Word): Revision {
  return { major: bits(two(4), 0, 2), minor: bits(one(3), 24, 3) };
}

/** Returns a chip whose MAC and revisions lie in eFuse blocks 1 and 2. */
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

/** Three bits, one of them outside of the eFuse, count the major revision of an ESP32. */
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
