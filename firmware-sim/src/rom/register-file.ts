import type { Hardware } from "../boot/boot-options.ts";
import { efuseWords } from "./efuse-words.ts";
import type { RomProfile } from "./rom-profile.ts";
import { answerSpiCommand } from "./spi-flash-chip.ts";

/** The bit of the SPI controller's command register that starts a transaction, and is 0 again after it. */
const SPI_USER = 1 << 18;

/** What a bus reads that nobody drives. */
const UNDRIVEN = 0xffff_ffff;

/** More registers than any host touches: what is written beyond is forgotten. */
const WRITTEN_MAX = 4096;

/**
 * The chip's registers, as far as hosts look at them: eFuses, the SPI controller with the flash chip behind it, and
 * memory of what was written. Everything else reads 0.
 */
export class RegisterFile {
  readonly #profile: RomProfile;
  readonly #flashSizeBytes: number;
  readonly #efuse: ReadonlyMap<number, number>;
  readonly #written: Map<number, number>;
  readonly #isFlashAttached: () => boolean;
  #baudRate = 115_200;

  /**
   * @param mac - The base MAC address, six bytes.
   * @param isFlashAttached - Whether the SPI controller reaches the flash chip; where it doesn't, every bit reads 1.
   */
  constructor(profile: RomProfile, { efuse, flash }: Hardware, mac: Uint8Array, isFlashAttached: () => boolean) {
    this.#profile = profile;
    this.#flashSizeBytes = flash.sizeBytes;
    this.#efuse = efuseWords(profile, efuse, mac);
    this.#written = new Map(profile.registers);
    this.#isFlashAttached = isFlashAttached;
  }

  /** The UART runs at this rate: its divider says so. */
  set baudRate(baudRate: number) {
    this.#baudRate = baudRate;
  }

  /** A register, as a uint32. */
  read(address: number): number {
    const { uartDivider } = this.#profile;
    if (address === uartDivider?.address) return Math.round(uartDivider.clockHz / this.#baudRate);
    return ((this.#efuse.get(address) ?? 0) | (this.#written.get(address) ?? 0)) >>> 0;
  }

  /** Writes the bits of a register that are set in `mask`. eFuses stay. */
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
