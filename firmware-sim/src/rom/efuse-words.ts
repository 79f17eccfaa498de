import type { Efuse } from "../boot/efuse.ts";
import type { BitField, EfuseRegisters, RomProfile } from "./rom-profile.ts";

/** Value of the encryption counter: encryption is on if an odd number of its bits is set. */
const CRYPT_COUNT_ON = 1;

/**
 * Returns the content of a chip's eFuse registers.
 *
 * @param mac - Base MAC address, six bytes.
 * @returns Words by address. All others are 0.
 */
export function efuseWords(profile: RomProfile, efuse: Efuse, mac: Uint8Array): ReadonlyMap<number, number> {
  const words = new Map<number, number>();
  const set = (fields: readonly BitField[], value: number) => {
    let rest = value;
    for (const { address, shift, width } of fields) {
      const part = rest % 2 ** width;
      words.set(address, ((words.get(address) ?? 0) | (part << shift)) >>> 0);
      rest = Math.floor(rest / 2 ** width);
    }
  };
  const registers: EfuseRegisters = profile.efuse;
  const [m0 = 0, m1 = 0, m2 = 0, m3 = 0, m4 = 0, m5 = 0] = mac;
  words.set(registers.macLow, ((m2 << 24) | (m3 << 16) | (m4 << 8) | m5) >>> 0);
  words.set(registers.macHigh, ((registers.macExtension ? 0xfffe_0000 : 0) | (m0 << 8) | m1) >>> 0);
  const major = Math.floor(efuse.chipRevision / 100);
  set(registers.majorRevision, profile.chip === "esp32" ? 2 ** major - 1 : major);
  set(registers.minorRevision, efuse.chipRevision % 100);
  if (registers.blockRevision !== undefined) {
    set([registers.blockRevision.major], Math.floor(efuse.blockRevision / 100));
    set([registers.blockRevision.minor], efuse.blockRevision % 100);
  }
  set([registers.flashCryptCount], efuse.flashEncryptionKey === undefined ? 0 : CRYPT_COUNT_ON);
  set([registers.secureBoot], efuse.isSecureBootOn ? 1 : 0);
  return words;
}
