import type { Chip, ChipName } from "@tinybms/ota-core/esp";
import { EspErr } from "../esp-err/esp-err.ts";

/** eFuse fields of a chip that affect boot and updates. */
export interface EfuseFields {
  /**
   * Secure version: the number of low bits of its field that are burned.
   *
   * @defaultValue 0
   */
  readonly secureVersion?: number | undefined;
  /** Wafer revision, major × 100 + minor; by default that of chips sold today. */
  readonly chipRevision?: number | undefined;
  /**
   * eFuse block revision, major × 100 + minor.
   *
   * @defaultValue 0
   */
  readonly blockRevision?: number | undefined;
  /** `DISABLE_WAFER_VERSION_MAJOR`: an image's highest chip revision is ignored. */
  readonly disableWaferVersionMajor?: boolean | undefined;
  /** `DISABLE_BLK_VERSION_MAJOR`: an image's highest block revision is ignored. */
  readonly disableBlockVersionMajor?: boolean | undefined;
  /** `SECURE_BOOT_EN`: apps verify against the keys in eFuses too. */
  readonly secureBoot?: boolean | undefined;
  /** Digests of the public keys trusted for secure boot v2, 32 bytes each, up to the chip's number of key slots. */
  readonly secureBootDigests?: readonly Uint8Array[] | undefined;
  /** Indexes of the digests that were revoked (`SECURE_BOOT_KEY_REVOKE0` to `2`). */
  readonly revokedDigests?: readonly number[] | undefined;
  /** Key of flash encryption (`SPI_BOOT_CRYPT_CNT`), any uint32; without it flash is not encrypted. See `EncryptedFlash`. */
  readonly flashEncryptionKey?: number | undefined;
  /** `ENABLE_SECURITY_DOWNLOAD`, which ESP32 lacks: the loader can write flash and little else. */
  readonly secureDownload?: boolean | undefined;
}

/** Size of a SHA-256 in bytes. */
const KEY_DIGEST_SIZE = 32;

/** The most common wafer revisions. All other chips have their first mass-produced revision, v1.0. */
const COMMON_CHIP_REVISION: Readonly<Partial<Record<ChipName, number>>> = {
  esp32: 300,
  esp32s2: 0,
  esp32s3: 2,
  esp32c3: 4,
  esp32c6: 1,
  esp32h2: 1,
};

/** The eFuses of one chip: bits that change from 0 to 1 once and stay. */
export class Efuse {
  readonly chip: Chip;
  readonly chipRevision: number;
  readonly blockRevision: number;
  readonly disableWaferVersionMajor: boolean;
  readonly disableBlockVersionMajor: boolean;
  /** `SECURE_BOOT_EN`. */
  readonly isSecureBootOn: boolean;
  /** `ENABLE_SECURITY_DOWNLOAD`. */
  readonly isSecureDownloadOn: boolean;
  /** Key of flash encryption; `undefined` if flash is not encrypted. */
  readonly flashEncryptionKey: number | undefined;
  readonly #secureBootDigests: readonly Uint8Array[];
  readonly #revokedDigests: ReadonlySet<number>;
  #secureVersionField: number;

  /** @throws RangeError if the secure version or the digests don't fit the chip's fields. */
  constructor(chip: Chip, fields: EfuseFields = {}) {
    const { secureVersion = 0, secureBootDigests = [] } = fields;
    assertDigests(chip, secureBootDigests);
    if (!(Number.isInteger(secureVersion) && secureVersion >= 0 && secureVersion <= chip.secureVersionBits)) {
      throw new RangeError(
        `secure version ${secureVersion} is invalid; on ${chip.name} it must be 0 to ${chip.secureVersionBits}`,
      );
    }
    this.chip = chip;
    this.chipRevision = fields.chipRevision ?? COMMON_CHIP_REVISION[chip.name] ?? 100;
    this.blockRevision = fields.blockRevision ?? 0;
    this.disableWaferVersionMajor = fields.disableWaferVersionMajor ?? false;
    this.disableBlockVersionMajor = fields.disableBlockVersionMajor ?? false;
    this.isSecureBootOn = fields.secureBoot ?? false;
    this.flashEncryptionKey = fields.flashEncryptionKey;
    this.isSecureDownloadOn = fields.secureDownload ?? false;
    this.#secureBootDigests = secureBootDigests.map((digest) => digest.slice());
    this.#revokedDigests = new Set(fields.revokedDigests);
    this.#secureVersionField = lowBits(secureVersion);
  }

  /** Secure version: number of burned bits of its field (`esp_efuse_read_secure_version`). */
  get secureVersion(): number {
    let count = 0;
    for (let bits = this.#secureVersionField; bits !== 0; bits &= bits - 1) count++;
    return count;
  }

  /** Digests of the keys that secure boot trusts: burned and not revoked. */
  get trustedKeyDigests(): readonly Uint8Array[] {
    return this.#secureBootDigests.filter((_digest, index) => !this.#revokedDigests.has(index));
  }

  /** Whether any digest was ever burned. Before that, a bootloader trusts the key in the image. */
  get hasKeyDigests(): boolean {
    return this.#secureBootDigests.length > 0;
  }

  /** Returns whether an app with this secure version may run (`esp_efuse_check_secure_version`). */
  allowsSecureVersion(version: number): boolean {
    return version >= this.secureVersion;
  }

  /**
   * Burns the secure version up to `version` (`esp_efuse_update_secure_version`).
   *
   * @returns ESP_OK, also if it is that version already; 0x102 if it doesn't fit the field; ESP_FAIL if it would decrease.
   */
  updateSecureVersion(version: number): number {
    if (version > this.chip.secureVersionBits) return EspErr.ESP_ERR_INVALID_ARG;
    if (version < this.secureVersion) return EspErr.ESP_FAIL;
    this.#secureVersionField |= lowBits(version);
    return EspErr.ESP_OK;
  }

  /** Returns an independent chip with the same bits burned. */
  copy(): Efuse {
    const { chip, secureVersion, chipRevision, blockRevision, disableWaferVersionMajor, disableBlockVersionMajor } =
      this;
    return new Efuse(chip, {
      secureVersion,
      chipRevision,
      blockRevision,
      disableWaferVersionMajor,
      disableBlockVersionMajor,
      secureBoot: this.isSecureBootOn,
      secureDownload: this.isSecureDownloadOn,
      secureBootDigests: this.#secureBootDigests,
      revokedDigests: [...this.#revokedDigests],
      flashEncryptionKey: this.flashEncryptionKey,
    });
  }
}

function assertDigests(chip: Chip, digests: readonly Uint8Array[]): void {
  if (digests.length > chip.secureBootKeyDigests) {
    throw new RangeError(
      `${digests.length} key digests are too many; ${chip.name} has room for ${chip.secureBootKeyDigests}`,
    );
  }
  const odd = digests.find(({ length }) => length !== KEY_DIGEST_SIZE);
  if (odd !== undefined) throw new RangeError(`a key digest has ${odd.length} bytes; it must be a SHA-256 of 32`);
}

/** Returns a field whose `count` lowest bits are 1; at most 32. */
function lowBits(count: number): number {
  return count === 0 ? 0 : 0xffff_ffff >>> (32 - count);
}
