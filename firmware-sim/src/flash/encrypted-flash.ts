import type { FlashAccess } from "./flash-reader.ts";
import { programUnaligned } from "./flash-violations.ts";
import type { NorFlash } from "./nor-flash.ts";

/** Size of an encryption block in bytes. Programs must consist of whole blocks. */
export const ENCRYPTION_BLOCK_SIZE = 16;

/**
 * Simulates a flash behind the chip's encryption. Programs store ciphertext in the cells and reads decrypt them, so that
 * erased cells read as noise.
 *
 * Not AES-XTS: each byte is XORed with a byte derived from the key and the address. This protects no secrets, but it
 * behaves as the chip does: equal bytes at different addresses differ, and programming twice leaves noise.
 */
export class EncryptedFlash implements FlashAccess {
  readonly sizeBytes: number;
  readonly #flash: NorFlash;
  readonly #key: number;

  /** @param key - Any uint32; stands for the eFuse key block of this chip. */
  constructor(flash: NorFlash, key: number) {
    this.sizeBytes = flash.sizeBytes;
    this.#flash = flash;
    this.#key = key;
  }

  read(offset: number, length: number): Uint8Array {
    return this.#cipher(this.#flash.read(offset, length), offset);
  }

  forEachSector(offset: number, length: number, visit: (bytes: Uint8Array, offset: number) => void): boolean {
    return this.#flash.forEachSector(offset, length, (bytes, at) => visit(this.#cipher(bytes, at), at));
  }

  /** @returns `false`, with nothing written, also if address or length is not a multiple of 16. */
  program(offset: number, bytes: Uint8Array): boolean {
    if (offset % ENCRYPTION_BLOCK_SIZE === 0 && bytes.length % ENCRYPTION_BLOCK_SIZE === 0) {
      return this.#flash.program(offset, this.#cipher(bytes, offset));
    }
    this.#flash.reportViolation(programUnaligned(offset, bytes.length));
    return false;
  }

  eraseRange(offset: number, length: number): boolean {
    return this.#flash.eraseRange(offset, length);
  }

  /** Encrypts plain bytes and writes them into the cells, as the first boot with encryption does. */
  load(offset: number, bytes: Uint8Array): void {
    this.#flash.load(offset, this.#cipher(bytes, offset));
  }

  #cipher(bytes: Uint8Array, offset: number): Uint8Array {
    return bytes.map((byte, index) => byte ^ this.#keystream(offset + index));
  }

  /** Finalizer of MurmurHash3 over key and address, so that neighboring addresses get unrelated bytes. */
  #keystream(address: number): number {
    let hash = (address ^ this.#key) >>> 0;
    hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
    return (hash ^ (hash >>> 16)) & 0xff;
  }
}
