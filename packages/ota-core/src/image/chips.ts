/** Name of a chip of the ESP32 family, as `idf.py set-target` takes it. */
export type ChipName =
  | "esp32"
  | "esp32s2"
  | "esp32s3"
  | "esp32c2"
  | "esp32c3"
  | "esp32c5"
  | "esp32c6"
  | "esp32c61"
  | "esp32h2"
  | "esp32h21"
  | "esp32h4"
  | "esp32p4"
  | "esp32s31";

/** The addresses from `start` to `end` − 1. */
export interface AddressRange {
  readonly start: number;
  readonly end: number;
}

/** The properties of a chip that affect images, flash layout and boot. */
export interface Chip {
  readonly name: ChipName;
  /** `chip_id` of the image header (`esp_chip_id_t`). */
  readonly id: number;
  /**
   * Flash offset in bytes at which the ROM looks for the second-stage bootloader (`ESP_ROM_BOOTLOADER_OFFSET_FLASH`).
   */
  readonly bootloaderOffset: number;
  /** Whether the MMU page size is configurable, so that the bootloader refuses an image without an app descriptor. */
  readonly requiresAppDescriptor: boolean;
  /** Whether cache addresses have 32 bits, so that slots and segments may extend beyond 16 MiB. */
  readonly addresses32Bit: boolean;
  /** Width of the eFuse field that holds the secure version, one bit per version (`esp_efuse_table.csv`). */
  readonly secureVersionBits: number;
  /** Whether the bootloader compares the eFuse block revision with the app descriptor's limits. */
  readonly checksBlockRevision: boolean;
  /**
   * Number of Secure Boot v2 key digests in the eFuses, which is also the number of signature blocks that the ROM
   * checks.
   */
  readonly secureBootKeyDigests: number;
  /** Flash mapped as constant data (`SOC_DROM_LOW`, `SOC_DROM_HIGH`). */
  readonly drom: AddressRange;
  /** Flash mapped as code (`SOC_IROM_LOW`, `SOC_IROM_HIGH`). The same range as `drom` on chips with one bus. */
  readonly irom: AddressRange;
  /** Internal memory for data (`SOC_DRAM_LOW`, `SOC_DRAM_HIGH`). */
  readonly dram: AddressRange;
  /** External RAM with an MMU of its own (`SOC_EXTRAM_LOW`, `SOC_EXTRAM_HIGH`); its segments are mapped like flash. */
  readonly psram?: AddressRange;
}

/** Default size of an MMU page in bytes; an app descriptor may state another one (`SPI_FLASH_MMU_PAGE_SIZE`). */
export const MMU_PAGE_SIZE = 0x10000;

/**
 * Every supported chip, in the order of the ids.
 *
 * Sources in ESP-IDF: `esp_app_format.h` (ids), `esp_rom_caps.h` (bootloader), `soc/<chip>/include/soc/soc.h`
 * (addresses), `soc_caps.h` (MMU page, 32-bit cache addresses, key digests), `efuse/<chip>/esp_efuse_table.csv`.
 */
export const CHIPS: readonly Chip[] = [
  chip("esp32", 0x0000, 0x1000, {
    secureVersionBits: 32,
    checksBlockRevision: false,
    secureBootKeyDigests: 1,
    drom: range(0x3f40_0000, 0x3f80_0000),
    irom: range(0x400d_0000, 0x4040_0000),
    dram: range(0x3ffa_e000, 0x4000_0000),
  }),
  chip("esp32s2", 0x0002, 0x1000, {
    drom: range(0x3f00_0000, 0x3ff8_0000),
    irom: range(0x4008_0000, 0x4080_0000),
    dram: range(0x3ffb_0000, 0x4000_0000),
  }),
  chip("esp32c3", 0x0005, 0, {
    drom: range(0x3c00_0000, 0x3c80_0000),
    irom: range(0x4200_0000, 0x4280_0000),
    dram: range(0x3fc8_0000, 0x3fce_0000),
  }),
  chip("esp32s3", 0x0009, 0, {
    addresses32Bit: true,
    drom: range(0x3c00_0000, 0x3e00_0000),
    irom: range(0x4200_0000, 0x4400_0000),
    dram: range(0x3fc8_8000, 0x3fd0_0000),
  }),
  chip("esp32c2", 0x000c, 0, {
    requiresAppDescriptor: true,
    secureVersionBits: 4,
    secureBootKeyDigests: 1,
    drom: range(0x3c00_0000, 0x3c40_0000),
    irom: range(0x4200_0000, 0x4240_0000),
    dram: range(0x3fca_0000, 0x3fce_0000),
  }),
  chip("esp32c6", 0x000d, 0, {
    requiresAppDescriptor: true,
    ...oneBus(0x4300_0000),
    dram: range(0x4080_0000, 0x4088_0000),
  }),
  chip("esp32h2", 0x0010, 0, {
    requiresAppDescriptor: true,
    ...oneBus(0x4300_0000),
    dram: range(0x4080_0000, 0x4085_0000),
  }),
  chip("esp32p4", 0x0012, 0x2000, {
    addresses32Bit: true,
    drom: range(0x4000_0000, 0x4400_0000),
    irom: range(0x4000_0000, 0x4400_0000),
    dram: range(0x4ff0_0000, 0x4ffc_0000),
    psram: range(0x4800_0000, 0x4c00_0000),
  }),
  chip("esp32c61", 0x0014, 0, {
    requiresAppDescriptor: true,
    addresses32Bit: true,
    ...oneBus(0x4400_0000),
    dram: range(0x4080_0000, 0x4085_0000),
  }),
  chip("esp32c5", 0x0017, 0x2000, {
    addresses32Bit: true,
    secureVersionBits: 9,
    ...oneBus(0x4400_0000),
    dram: range(0x4080_0000, 0x4086_0000),
  }),
  chip("esp32h21", 0x0019, 0, {
    requiresAppDescriptor: true,
    ...oneBus(0x4300_0000),
    dram: range(0x4080_0000, 0x4085_0000),
  }),
  chip("esp32h4", 0x001c, 0x2000, {
    requiresAppDescriptor: true,
    addresses32Bit: true,
    ...oneBus(0x4400_0000),
    dram: range(0x4081_0000, 0x4086_0000),
  }),
  chip("esp32s31", 0x0020, 0x2000, {
    requiresAppDescriptor: true,
    addresses32Bit: true,
    drom: range(0x4000_0000, 0x4400_0000),
    irom: range(0x4000_0000, 0x4400_0000),
    dram: range(0x2f00_0000, 0x2f08_0000),
    psram: range(0x5000_0000, 0x5400_0000),
  }),
];

/** Returns the chip with a `chip_id`, or `undefined` if no supported chip has that id. */
export function chipById(id: number): Chip | undefined {
  return CHIPS.find((candidate) => candidate.id === id);
}

/**
 * Returns the chip with a name, or `undefined` if there is no such chip. Ignores case, hyphens, underscores and spaces
 * (`esp32s3`, `ESP32-S3`).
 */
export function chipByName(name: string): Chip | undefined {
  const plain = name.trim().toLowerCase().replaceAll(/[-_ ]/g, "");
  return CHIPS.find((candidate) => candidate.name === plain);
}

/**
 * Returns the chips that a manifest's `product.hardware` allows.
 *
 * `esp32` stands for the whole family, as in everyday speech; any other chip name stands for that chip only. Free text,
 * such as the name of a board, allows every chip.
 *
 * @returns The allowed chips, or `undefined` if every chip is allowed.
 */
export function chipsOfHardware(hardware: string): readonly Chip[] | undefined {
  const named = chipByName(hardware);
  if (named === undefined) return undefined;
  return named.name === "esp32" ? CHIPS : [named];
}

/**
 * Formats a chip revision as Espressif does: `v3.1` for 301.
 *
 * @param revision - major × 100 + minor.
 */
export function revisionName(revision: number): string {
  return `v${Math.floor(revision / 100)}.${revision % 100}`;
}

/**
 * Returns `true` if the bootloader maps a segment from flash, `false` if it copies the segment to RAM (`should_map` of
 * `esp_image_format.c`).
 */
export function isMappedAddress(chip: Chip, loadAddress: number): boolean {
  const ranges = chip.psram === undefined ? [chip.drom, chip.irom] : [chip.drom, chip.irom, chip.psram];
  return ranges.some(({ start, end }) => loadAddress >= start && loadAddress < end);
}

type ChipFacts = Pick<Chip, "drom" | "irom" | "dram"> & Partial<Chip>;

function chip(name: ChipName, id: number, bootloaderOffset: number, facts: ChipFacts): Chip {
  return {
    name,
    id,
    bootloaderOffset,
    requiresAppDescriptor: false,
    addresses32Bit: false,
    secureVersionBits: 16,
    checksBlockRevision: true,
    secureBootKeyDigests: 3,
    ...facts,
  };
}

function range(start: number, end: number): AddressRange {
  return { start, end };
}

/** Returns the ranges of a chip with one bus for code and constants, like most RISC-V chips. */
function oneBus(end: number): Pick<Chip, "drom" | "irom"> {
  return { drom: range(0x4200_0000, end), irom: range(0x4200_0000, end) };
}
