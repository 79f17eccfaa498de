import type { ChipName } from "@tinybms/ota-core/esp";
import type { BitField, EfuseRegisters, RomChipName, RomProfile, RomSpiRegisters } from "./rom-profile.ts";

/** Register that tells the first chips apart (`UART_DATE_REG` or similar). */
const CHIP_MAGIC = 0x4000_1000;

/** `APB_CTRL_DATE` of ESP32, whose highest bit is part of the revision. */
const ESP32_APB_CTRL_DATE = 0x3ff6_607c;

const SPI_2ND_GENERATION: Pick<RomSpiRegisters, "data" | "user2" | "leftAlignedAddress"> = {
  data: 0x58,
  user2: 0x20,
  leftAlignedAddress: false,
};

/** Profiles of the simulated ROMs. Sources: Espressif's technical reference manuals, and logs of real boards. */
const PROFILES: Readonly<Record<RomChipName, RomProfile>> = {
  esp32: {
    chip: "esp32",
    securityInfo: "unknown-command",
    efuse: {
      macLow: 0x3ff5_a004,
      macHigh: 0x3ff5_a008,
      macExtension: false,
      majorRevision: [bits(0x3ff5_a00c, 15), bits(0x3ff5_a014, 20), bits(ESP32_APB_CTRL_DATE, 31)],
      minorRevision: [bits(0x3ff5_a014, 24, 2)],
      flashCryptCount: bits(0x3ff5_a000, 20, 7),
      secureBoot: bits(0x3ff5_a018, 5),
    },
    spi: { base: 0x3ff4_2000, data: 0x80, user2: 0x24, leftAlignedAddress: true },
    // The last two are the calibration of the 8 MHz clock, from which hosts correct a baud rate; these correct nothing.
    registers: [
      [CHIP_MAGIC, 0x00f0_1d83],
      [0x3ff5_a010, 0x80],
      [0x3ff5_f06c, 800 << 7],
    ],
    uartDivider: { address: 0x3ff4_0014, clockHz: 40_000_000 },
    banner: ["ets Jul 29 2019 12:21:46", ""],
    powerOnReset: "0x1 (POWERON_RESET)",
    softwareReset: "0xc (SW_CPU_RESET)",
    flashBoot: "0x13 (SPI_FAST_FLASH_BOOT)",
    downloadBoot: "0x3 (DOWNLOAD_BOOT(UART0/UART1/SDIO_REI_REO_V2))",
  },
  esp32s2: {
    ...later("esp32s2", "short"),
    efuse: blockEfuse(0x3f41_a000, {
      majorRevision: [blockBits(0x3f41_a000, 3, 18, 2)],
      minorRevision: [blockBits(0x3f41_a000, 4, 4, 3), blockBits(0x3f41_a000, 3, 20)],
      blockRevision: { major: blockBits(0x3f41_a000, 3, 25, 2), minor: blockTwoBits(0x3f41_a000, 4, 4, 3) },
    }),
    spi: { base: 0x3f40_2000, ...SPI_2ND_GENERATION },
    registers: [[CHIP_MAGIC, 0x0000_07c6]],
    banner: ["ESP-ROM:esp32s2-rc4-20191025", "Build:Oct 25 2019"],
    flashBoot: "0x8 (SPI_FAST_FLASH_BOOT)",
    downloadBoot: "0x0 (DOWNLOAD(USB/UART0))",
  },
  esp32s3: {
    ...later("esp32s3", "full"),
    efuse: blockEfuse(0x6000_7000, {
      majorRevision: [blockBits(0x6000_7000, 5, 24, 2)],
      minorRevision: [blockBits(0x6000_7000, 3, 18, 3), blockBits(0x6000_7000, 5, 23)],
      blockRevision: { major: blockTwoBits(0x6000_7000, 4, 0, 2), minor: blockBits(0x6000_7000, 3, 24, 3) },
    }),
    spi: { base: 0x6000_2000, ...SPI_2ND_GENERATION },
    registers: [[CHIP_MAGIC, 9]],
    banner: ["ESP-ROM:esp32s3-20210327", "Build:Mar 27 2021"],
    flashBoot: "0x8 (SPI_FAST_FLASH_BOOT)",
    downloadBoot: "0x0 (DOWNLOAD(USB/UART0))",
  },
  esp32c3: {
    ...later("esp32c3", "full"),
    efuse: blockEfuse(0x6000_8800, {
      majorRevision: [blockBits(0x6000_8800, 5, 24, 2)],
      minorRevision: [blockBits(0x6000_8800, 3, 18, 3), blockBits(0x6000_8800, 5, 23)],
      blockRevision: { major: blockTwoBits(0x6000_8800, 4, 0, 2), minor: blockBits(0x6000_8800, 3, 24, 3) },
    }),
    spi: { base: 0x6000_2000, ...SPI_2ND_GENERATION },
    registers: [[CHIP_MAGIC, 0x6921_506f]],
    banner: ["ESP-ROM:esp32c3-api1-20210207", "Build:Feb  7 2021"],
    flashBoot: "0xd (SPI_FAST_FLASH_BOOT)",
    downloadBoot: "0x5 (DOWNLOAD(USB/UART0/1))",
  },
  esp32c6: {
    ...later("esp32c6", "full"),
    softwareReset: "0xc (SW_CPU)",
    efuse: {
      ...blockEfuse(0x600b_0800, {
        majorRevision: [blockBits(0x600b_0800, 3, 22, 2)],
        minorRevision: [blockBits(0x600b_0800, 3, 18, 4)],
        blockRevision: { major: blockBits(0x600b_0800, 3, 30, 2), minor: blockBits(0x600b_0800, 3, 27, 3) },
      }),
      macExtension: true,
    },
    spi: { base: 0x6000_3000, ...SPI_2ND_GENERATION },
    registers: [[CHIP_MAGIC, 0x2ce0_806f]],
    banner: ["ESP-ROM:esp32c6-20220919", "Build:Sep 19 2022"],
    flashBoot: "0xc (SPI_FAST_FLASH_BOOT)",
    downloadBoot: "0x4 (DOWNLOAD(USB/UART0/SDIO_FEI_FEO))",
  },
  esp32h2: {
    ...later("esp32h2", "full"),
    softwareReset: "0xc (SW_CPU)",
    efuse: {
      ...blockEfuse(0x600b_0800, {
        majorRevision: [blockBits(0x600b_0800, 3, 21, 2)],
        minorRevision: [blockBits(0x600b_0800, 3, 18, 3)],
        blockRevision: { major: blockTwoBits(0x600b_0800, 4, 5, 2), minor: blockTwoBits(0x600b_0800, 4, 2, 3) },
      }),
      macExtension: true,
    },
    spi: { base: 0x6000_3000, ...SPI_2ND_GENERATION },
    registers: [[CHIP_MAGIC, 0xd7b7_3e80]],
    banner: ["ESP-ROM:esp32h2-20221101", "Build:Nov  1 2022"],
    flashBoot: "0xc (SPI_FAST_FLASH_BOOT)",
    downloadBoot: "0x4 (DOWNLOAD(USB/UART0))",
  },
};

/** Chips whose ROM is simulated. */
export const ROM_CHIPS: readonly RomChipName[] = Object.values(PROFILES).map(({ chip }) => chip);

/** Returns the ROM profile of a chip; `undefined` if its ROM isn't simulated. */
export function romProfileOf(chip: ChipName): RomProfile | undefined {
  return Object.values(PROFILES).find((profile) => profile.chip === chip);
}

/** Returns what all chips after ESP32 have in common. */
function later(
  chip: RomChipName,
  securityInfo: RomProfile["securityInfo"],
): Pick<RomProfile, "chip" | "securityInfo" | "uartDivider" | "powerOnReset" | "softwareReset"> {
  const resets = { powerOnReset: "0x1 (POWERON)", softwareReset: "0x3 (RTC_SW_SYS_RST)" };
  return { chip, securityInfo, uartDivider: undefined, ...resets };
}

/** Returns the eFuse registers in blocks that all chips after ESP32 have. */
function blockEfuse(
  base: number,
  revision: Pick<EfuseRegisters, "majorRevision" | "minorRevision" | "blockRevision">,
): EfuseRegisters {
  return {
    macLow: base + 0x44,
    macHigh: base + 0x48,
    macExtension: false,
    flashCryptCount: bits(base + 0x34, 18, 3),
    secureBoot: bits(base + 0x38, 20),
    ...revision,
  };
}

/** Returns bits of a word of eFuse block 1. */
function blockBits(base: number, word: number, shift: number, width = 1): BitField {
  return bits(base + 0x44 + 4 * word, shift, width);
}

/** Returns bits of a word of eFuse block 2. */
function blockTwoBits(base: number, word: number, shift: number, width = 1): BitField {
  return bits(base + 0x5c + 4 * word, shift, width);
}

function bits(address: number, shift: number, width = 1): BitField {
  return { address, shift, width };
}
