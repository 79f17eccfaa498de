import type { Hardware } from "../boot/boot-options.ts";
import { efuseWords } from "./efuse-words.ts";
import type { RomProfile } from "./rom-profile.ts";
import { answerSpiCommand } from "./spi-flash-chip.ts";

/** Bit of the SPI controller's command register that starts a transaction. It clears itself. */
const SPI_USER = 1 << 18;

/** Value read from a bus that nothing drives. */
const UNDRIVEN = 0xffff_ffff;

/** Maximum number of registers kept, more than any host uses. Writes to others are ignored. */
const WRITTEN_MAX = 4096;

/**
 * The chip's registers, as far as hosts use them: eFuses, the SPI controller with the flash chip behind it, and registers
 * that keep what was written. All others read as 0.
 */
export class RegisterFile {
  readonly #profile: RomProfile;
  readonly #flashSizeBytes: number;
  readonly #efuse: ReadonlyMap<number, number>;
  readonly #written: Map<number, number>;
  readonly #isFlashAttached: () => boolean;
  #baudRate = 115_200;

  /**
   * @param mac - Base MAC address, six bytes.
   * @param isFlashAttached - Returns whether the SPI controller reaches the flash chip. Otherwise every bit reads as 1.
   */
  constructor(profile: RomProfile, { efuse, flash }: Hardware, mac: Uint8Array, isFlashAttached: () => boolean) {
    this.#profile = profile;
    this.#flashSizeBytes = flash.sizeBytes;
    this.#efuse = efuseWords(profile, efuse, mac);
    this.#written = new Map(profile.registers);
    this.#isFlashAttached = isFlashAttached;
  }

  /** Sets the UART's rate in baud, which its divider register reflects. */
  set baudRate(baudRate: number) {
    this.#baudRate = baudRate;
  }

  /** Reads a register, as a uint32. */
  read(address: number): number {
    const { uartDivider } = this.#profile;
    if (address === uartDivider?.address) return Math.round(uartDivider.clockHz / this.#baudRate);
    return ((this.#efuse.get(address) ?? 0) | (this.#written.get(address) ?? 0)) >>> 0;
  }

  /** Writes the bits of a register that are set in `mask`. eFuses are read-only. */
  write(address: number, value: number, mask: number): void {
    if (this.#efuse.has(address)) return;
    if (this.#written.size >= WRITTEN_MAX && !this.#written.has(address)) return;
    const written = ((this.read(address) & ~mask) | (value & mask)) >>> 0;
    if (address === this.#profile.spi.base && (written & SPI_USER) !== 0) {
      this.#runSpiCommand();
      this.#written.set(address, (written & ~SPI_USER) >>> 0);
      return;
    }
    this.#written.set(address, written);
  }

  #runSpiCommand(): void {
    const { base, data, user2, leftAlignedAddress } = this.#profile.spi;
    const command = this.read(base + user2) & 0xff;
    const address = this.read(base + 4) >>> (leftAlignedAddress ? 8 : 0);
    const answer = this.#isFlashAttached() ? answerSpiCommand(this.#flashSizeBytes, command, address) : UNDRIVEN;
    this.#written.set(base + data, answer);
  }
}
