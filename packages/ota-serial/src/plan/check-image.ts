import { OtaError } from "@tinybms/ota-core";
import { type AppImage, chipById, chipByName, revisionName } from "@tinybms/ota-core/esp";
import type { Board } from "../loader/board.ts";
import type { AppSlot } from "./board-layout.ts";

/** App image to flash. */
export interface FlashImage {
  /** Name of the file, for messages. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly image: AppImage;
}

/** Value of `max_chip_rev_full` without a limit. */
const ANY_REVISION = 0xffff;

/**
 * Checks that the board's chip and its revision can start an image.
 *
 * @throws {@link OtaError} `serial/wrong-chip`.
 * @throws {@link OtaError} `serial/chip-revision`.
 */
export function assertChip(port: string, board: Board, { name, image }: Pick<FlashImage, "name" | "image">): void {
  const { chipId, minChipRevision, minChipRevisionFull, maxChipRevisionFull } = image.header;
  if (chipId !== board.chip.id) {
    const found = chipById(chipId)?.name ?? `chip id ${chipId}`;
    const message = `${name} is built for ${found}; the board on ${port} has an ${board.chipName}`;
    const hint = `idf.py set-target ${board.chip.name} and build again, or use another board`;
    throw new OtaError("serial/wrong-chip", message, { port, expected: board.chip.name, found }, { hint });
  }
  // Images from before ESP-IDF 4.4.3 state the major revision alone, and those for ESP32-C3 the minor one.
  const unit = board.chip.name === "esp32c3" ? 1 : 100;
  const lowest = minChipRevisionFull === 0 ? unit * minChipRevision : minChipRevisionFull;
  assertRevision(port, name, "chip revision", board.revision, { min: lowest, max: maxChipRevisionFull });
  const { descriptor } = image;
  if (descriptor === undefined || board.blockRevision === undefined || !board.chip.checksBlockRevision) return;
  const { minEfuseBlockRevision: min, maxEfuseBlockRevision: max } = descriptor;
  assertRevision(port, name, "eFuse block revision", board.blockRevision, { min, max });
}

/** @throws {@link OtaError} `serial/chip-revision`. */
function assertRevision(
  port: string,
  image: string,
  kind: "chip revision" | "eFuse block revision",
  revision: number,
  { min, max: limit }: { readonly min: number; readonly max: number },
): void {
  const max = limit === 0 ? ANY_REVISION : limit;
  if (revision >= min && revision <= max) return;
  const isOld = revision < min;
  const needed = isOld ? `at least ${revisionName(min)}` : `at most ${revisionName(max)}`;
  const found = revisionName(revision);
  const message = `${image} needs ${kind} ${needed}; the board on ${port} has ${found}`;
  const hint = isOld
    ? `lower the minimum ${kind} in menuconfig (Component config, Hardware Settings) and build again`
    : `build it with an ESP-IDF release that supports ${kind} ${found}`;
  throw new OtaError("serial/chip-revision", message, { port, needed, found }, { hint });
}

/**
 * Refuses a build for another chip than the board's, by what the build says of itself.
 *
 * @param chip - Name of the chip, as `idf.py set-target` takes it.
 * @throws {@link OtaError} `serial/wrong-chip`.
 */
export function assertBuildChip(port: string, board: Board, chip: string): void {
  if (chipByName(chip) === board.chip) return;
  const message = `the build is for ${chip}; the board on ${port} has an ${board.chipName}`;
  const hint = `idf.py set-target ${board.chip.name} and build again, or use another board`;
  throw new OtaError("serial/wrong-chip", message, { port, expected: board.chip.name, found: chip }, { hint });
}

/**
 * Refuses a board whose flash is encrypted: what a cable reads of it is unreadable, and what a cable writes in plain text
 * would not start.
 *
 * @throws {@link OtaError} `serial/flash-encrypted`.
 */
export function assertUnencrypted(port: string, board: Board): void {
  if (!board.flashEncryption) return;
  const message = `the flash of the board on ${port} is encrypted: what a cable writes in plain text would not start`;
  const hint = "update it over the air: its app encrypts what it writes";
  throw new OtaError("serial/flash-encrypted", message, { port }, { hint });
}

/**
 * Refuses what the board's eFuses would make a brick of: an encrypted board, and an unsigned image where secure boot is
 * on.
 *
 * @param isSigned - Whether all that is started carries a signature block.
 * @throws {@link OtaError} `serial/flash-encrypted`.
 * @throws {@link OtaError} `serial/secure-boot`.
 */
export function assertSecurity(port: string, board: Board, isSigned: boolean): void {
  assertUnencrypted(port, board);
  if (!board.secureBoot || isSigned) return;
  const message = `the board on ${port} has secure boot on, and the image is not signed`;
  const hint = "sign it with the key whose digest is in the board's eFuse (espsecure sign-data), and package it again";
  throw new OtaError("serial/secure-boot", message, { port }, { hint });
}

/**
 * Refuses an image of another project than the one on the board.
 *
 * @param slot - The app that starts now.
 * @throws {@link OtaError} `serial/wrong-product`.
 */
export function assertProduct(port: string, slot: AppSlot | undefined, { name, image }: FlashImage): void {
  const expected = slot?.descriptor?.projectName;
  const found = image.descriptor?.projectName;
  if (expected === undefined || found === undefined || expected === found) return;
  const message = `${name} is ${JSON.stringify(found)}; the board on ${port} runs ${JSON.stringify(expected)}`;
  const hint = "is it the right board? --force makes it another product";
  throw new OtaError("serial/wrong-product", message, { port, expected, found }, { hint });
}

/**
 * Refuses what is larger than its partition, or than the flash behind it.
 *
 * @throws {@link OtaError} `serial/does-not-fit`.
 */
export function assertFits(
  port: string,
  part: string,
  size: number,
  slot: Pick<AppSlot, "partition">,
  board: Board,
): void {
  const { label, offset, size: limit } = slot.partition;
  if (size > limit) {
    const message = `${part} has ${size} bytes; partition ${label} of the board on ${port} holds ${limit}`;
    const hint = "make the app smaller, or flash another partition table with flash --all";
    throw new OtaError("serial/does-not-fit", message, { port, part, size, limit }, { hint });
  }
  if (offset + limit <= board.flashSize) return;
  const end = offset + limit;
  const message = `partition ${label} of the board on ${port} ends at 0x${end.toString(16)}, behind its flash of ${board.flashSize} bytes`;
  const hint = "its partition table is made for a larger flash: flash one that fits with flash --all";
  throw new OtaError(
    "serial/does-not-fit",
    message,
    { port, part: label, size: end, limit: board.flashSize },
    { hint },
  );
}
