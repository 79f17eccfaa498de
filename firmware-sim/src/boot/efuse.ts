import type { Chip, ChipName } from "@tinybms/ota-core";
import { EspErr } from "../esp-idf/esp-err.ts";

/** What is burnt into a chip, as far as boot and updates look at it. */
export interface EfuseFields {
  /** Secure version: that many low bits of its field are burnt. 0 without it. */
  readonly secureVersion?: number;
  /** Wafer revision, major × 100 + minor; that of a chip bought today without it. */
  readonly chipRevision?: number;
  /** eFuse block revision, major × 100 + minor; 0 without it. */
  readonly blockRevision?: number;
  /** `DISABLE_WAFER_VERSION_MAJOR`: an image's highest chip revision is ignored. */
  readonly disableWaferVersionMajor?: boolean;
  /** `DISABLE_BLK_VERSION_MAJOR`: an image's highest block revision is ignored. */
  readonly disableBlockVersionMajor?: boolean;
}

/** Wafer revisions that are sold most; others are as their first mass-produced one, v1.0. */
const COMMON_CHIP_REVISION: Readonly<Partial<Record<ChipName, number>>> = {
  esp32: 300,
  esp32s2: 0,
  esp32s3: 2,
  esp32c3: 4,
  esp32c6: 1,
  esp32h2: 1,
};

/** The eFuses of one chip: bits that go from 0 to 1 once and stay. */
export class Efuse {
  readonly chip: Chip;
  readonly chipRevision: number;
  readonly blockRevision: number;
  readonly disableWaferVersionMajor: boolean;
  readonly disableBlockVersionMajor: boolean;
  #secureVersionField: number;

  /** @throws RangeError if the secure version doesn't fit the chip's field. */
  constructor(chip: Chip, fields: EfuseFields = {}) {
    const { secureVersion = 0 } = fields;
    if (!(Number.isInteger(secureVersion) && secureVersion >= 0 && secureVersion <= chip.secureVersionBits)) {
      throw new RangeError(`secure version ${secureVersion}; on ${chip.name} it is 0 to ${chip.secureVersionBits}`);
    }
    this.chip = chip;
    this.chipRevision = fields.chipRevision ?? COMMON_CHIP_REVISION[chip.name] ?? 100;
    this.blockRevision = fields.blockRevision ?? 0;
    this.disableWaferVersionMajor = fields.disableWaferVersionMajor ?? false;
    this.disableBlockVersionMajor = fields.disableBlockVersionMajor ?? false;
    this.#secureVersionField = lowBits(secureVersion);
  }

  /** The secure version: how many bits of its field are burnt (`esp_efuse_read_secure_version`). */
  get secureVersion(): number {
    let count = 0;
    for (let bits = this.#secureVersionField; bits !== 0; bits &= bits - 1) count++;
    return count;
  }

  /** Whether an app of this secure version may run (`esp_efuse_check_secure_version`). */
  allowsSecureVersion(version: number): boolean {
    return version >= this.secureVersion;
  }

  /**
   * Burns the secure version up to `version` (`esp_efuse_update_secure_version`).
   *
   * @returns ESP_OK also where it is that already; 0x102 if it doesn't fit the field; ESP_FAIL if it would go down.
   */
  updateSecureVersion(version: number): number {
    if (version > this.chip.secureVersionBits) return EspErr.ESP_ERR_INVALID_ARG;
    if (version < this.secureVersion) return EspErr.ESP_FAIL;
    this.#secureVersionField |= lowBits(version);
    return EspErr.ESP_OK;
  }

  /** An independent chip with the same bits burnt. */
  copy(): Efuse {
    const { chip, secureVersion, chipRevision, blockRevision, disableWaferVersionMajor, disableBlockVersionMajor } =
      this;
    const fields = { secureVersion, chipRevision, blockRevision, disableWaferVersionMajor, disableBlockVersionMajor };
    return new Efuse(chip, fields);
  }
}

/** A field whose `count` lowest bits are 1, at most 32. */
function lowBits(count: number): number {
  return count === 0 ? 0 : 0xffff_ffff >>> (32 - count);
}
