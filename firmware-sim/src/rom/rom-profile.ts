import type { ChipName } from "@tinybms/ota-core/esp";

/** Chips whose ROM loader is simulated. */
export type RomChipName = Extract<ChipName, "esp32" | "esp32s2" | "esp32s3" | "esp32c3" | "esp32c6" | "esp32h2">;

/** A bit field of a register. */
export interface BitField {
  /** The register's address. */
  readonly address: number;
  readonly shift: number;
  /** In bits. */
  readonly width: number;
}

/** Locations of eFuse values that hosts read. A value in several fields has its lowest bits in the first one. */
export interface EfuseRegisters {
  /** Bytes 2 to 5 of the MAC address, big-endian. */
  readonly macLow: number;
  /** Bytes 0 and 1 in its lower half. */
  readonly macHigh: number;
  /** Whether the upper half of `macHigh` holds FF FE, which makes the address an EUI-64. */
  readonly macExtension: boolean;
  /** On ESP32 the number of bits set is the major revision. */
  readonly majorRevision: readonly BitField[];
  readonly minorRevision: readonly BitField[];
  /** Revision of the eFuse blocks, `BLK_VERSION_MAJOR` and `BLK_VERSION_MINOR`; absent on ESP32. */
  readonly blockRevision?: { readonly major: BitField; readonly minor: BitField };
  /** `FLASH_CRYPT_CNT` or `SPI_BOOT_CRYPT_CNT`. */
  readonly flashCryptCount: BitField;
  /** `ABS_DONE_1` or `SECURE_BOOT_EN`. */
  readonly secureBoot: BitField;
}

/** The SPI controller through which hosts access the flash chip directly. */
export interface RomSpiRegisters {
  readonly base: number;
  /** Offset of the first data register; bytes from the base. */
  readonly data: number;
  /** Offset of `USER2`, whose lowest byte is the command. */
  readonly user2: number;
  /** Whether an address of 24 bits stands in the upper bits of its register. */
  readonly leftAlignedAddress: boolean;
}

/** Differences of one chip's ROM loader. */
export interface RomProfile {
  readonly chip: RomChipName;
  /** Answer to GET_SECURITY_INFO: none, 12 bytes, or 20 bytes with the chip ID. */
  readonly securityInfo: "unknown-command" | "short" | "full";
  readonly efuse: EfuseRegisters;
  readonly spi: RomSpiRegisters;
  /** Initial values of registers: address and value. */
  readonly registers: readonly (readonly [address: number, value: number])[];
  /** The UART's divider register and its clock, if hosts compute the crystal frequency from them. */
  readonly uartDivider: { readonly address: number; readonly clockHz: number } | undefined;
  /** First lines of the ROM's log. */
  readonly banner: readonly string[];
  /** Reset cause and strapping results, as worded in the line `rst:…,boot:…`. */
  readonly powerOnReset: string;
  readonly softwareReset: string;
  readonly flashBoot: string;
  readonly downloadBoot: string;
}
