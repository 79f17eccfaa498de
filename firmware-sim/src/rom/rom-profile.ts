import type { ChipName } from "@tinybms/ota-core/esp";

/** The chips whose ROM loader is modelled. */
export type RomChipName = Extract<ChipName, "esp32" | "esp32s2" | "esp32s3" | "esp32c3" | "esp32c6" | "esp32h2">;

/** Some bits of a register. */
export interface BitField {
  /** The register's address. */
  readonly address: number;
  readonly shift: number;
  /** In bits. */
  readonly width: number;
}

/** Where hosts look for what is burnt into the chip. A value that is spread has its lowest bits in the first field. */
export interface EfuseRegisters {
  /** Bytes 2 to 5 of the MAC address, big-endian. */
  readonly macLow: number;
  /** Bytes 0 and 1 in its lower half. */
  readonly macHigh: number;
  /** FF FE, what makes it an EUI-64, stands in the upper half of `macHigh`. */
  readonly macExtension: boolean;
  /** On ESP32 as many bits are set as the major revision counts. */
  readonly majorRevision: readonly BitField[];
  readonly minorRevision: readonly BitField[];
  /** Revision of the eFuse blocks, `BLK_VERSION_MAJOR` and `BLK_VERSION_MINOR`; absent on ESP32. */
  readonly blockRevision?: { readonly major: BitField; readonly minor: BitField };
  /** `FLASH_CRYPT_CNT` or `SPI_BOOT_CRYPT_CNT`. */
  readonly flashCryptCount: BitField;
  /** `ABS_DONE_1` or `SECURE_BOOT_EN`. */
  readonly secureBoot: BitField;
}

/** The SPI controller by which hosts talk to the flash chip themselves. */
export interface SpiRegisters {
  readonly base: number;
  /** Offset of the first data register; bytes from the base. */
  readonly data: number;
  /** Offset of `USER2`, whose lowest byte is the command. */
  readonly user2: number;
  /** Whether an address of 24 bits stands in the upper bits of its register. */
  readonly leftAlignedAddress: boolean;
}

/** What distinguishes one chip's ROM loader from another's. */
export interface RomProfile {
  readonly chip: RomChipName;
  /** What GET_SECURITY_INFO answers: nothing, 12 bytes, or 20 with the chip id. */
  readonly securityInfo: "unknown-command" | "short" | "full";
  readonly efuse: EfuseRegisters;
  readonly spi: SpiRegisters;
  /** Registers that read as something when nobody wrote them: address and value. */
  readonly registers: readonly (readonly [address: number, value: number])[];
  /** The register that tells the UART's divider, where hosts work out the crystal from it, and the clock it divides. */
  readonly uartDivider: { readonly address: number; readonly clockHz: number } | undefined;
  /** What the ROM prints first. */
  readonly banner: readonly string[];
  /** The reset's cause and both results of strapping, as the line `rst:…,boot:…` words them. */
  readonly powerOnReset: string;
  readonly softwareReset: string;
  readonly flashBoot: string;
  readonly downloadBoot: string;
}
