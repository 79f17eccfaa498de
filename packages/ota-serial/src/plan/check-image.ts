import { type AppImage, chipById, chipByName, OtaError, revisionName } from "@tinybms/ota-core";
import type { Board } from "../loader/board.ts";
import type { AppSlot } from "./board-layout.ts";

/** An app image as it is to be flashed. */
export interface FlashImage {
  /** Its file, for messages. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly image: AppImage;
}

/** No limit, in an image header's `max_chip_rev_full`. */
const ANY_REVISION = 0xffff;

/**
 * Refuses an image that this chip would not start.
 *
 * @throws {@link OtaError} `serial/wrong-chip`, `serial/chip-revision`.
 */
export function checkChip(port: string, board: Board, { name, image }: Pick<FlashImage, "name" | "image">): void {
  const { chipId, minChipRevision, minChipRevisionFull, maxChipRevisionFull } = image.header;
  if (chipId !== board.chip.id) {
    const found = chipById(chipId)?.name ?? `chip id ${chipId}`;
    const message = `${name} is built for ${found}; the board on ${port} has an ${board.chipName}`;
    const hint = `idf.py set-target ${board.chip.name} and build again, or take another board`;
    throw new OtaError("serial/wrong-chip", message, { port, expected: board.chip.name, found }, { hint });
  }
  // Images from before ESP-IDF 4.4.3 know the major revision alone.
  const lowest = minChipRevisionFull === 0 ? 100 * minChipRevision : minChipRevisionFull;
  const highest = maxChipRevisionFull === 0 ? ANY_REVISION : maxChipRevisionFull;
  if (board.revision >= lowest && board.revision <= highest) return;
  const isOld = board.revision < lowest;
  const needed = isOld ? `at least ${revisionName(lowest)}` : `at most ${revisionName(highest)}`;
  const found = revisionName(board.revision);
  const message = `${name} needs a chip of ${needed}; that of the board on ${port} is ${found}`;
  const setting = isOld ? "minimum" : "maximum";
  const hint = `lower the ${setting} chip revision in menuconfig (Component config, Hardware Settings) and build again`;
  throw new OtaError("serial/chip-revision", message, { port, needed, found }, { hint });
}

/**
 * Refuses a build for another chip than the board's, by what the build says of itself.
 *
 * @param chip - Name of the chip, as `idf.py set-target` takes it.
 * @throws {@link OtaError} `serial/wrong-chip`.
 */
export function checkBuildChip(port: string, board: Board, chip: string): void {
  if (chipByName(chip) === board.chip) return;
  const message = `the build is for ${chip}; the board on ${port} has an ${board.chipName}`;
  const hint = `idf.py set-target ${board.chip.name} and build again, or take another board`;
  throw new OtaError("serial/wrong-chip", message, { port, expected: board.chip.name, found: chip }, { hint });
}

/**
 * Refuses a board whose flash is encrypted: what a cable reads of it is unreadable, and what a cable writes in plain text
 * would not start.
 *
 * @throws {@link OtaError} `serial/flash-encrypted`.
 */
export function checkEncryption(port: string, board: Board): void {
  if (!board.flashEncryption) return;
  const message = `the flash of the board on ${port} is encrypted: what a cable writes in plain text would not start`;
  const hint = "update it over the air: its app encrypts what it writes";
  throw new OtaError("serial/flash-encrypted", message, { port }, { hint });
}

/**
 * Refuses what the board's eFuses would make a brick of: an encrypted board, and an unsigned image where secure boot is on.
 *
 * @param isSigned - Whether all that is started carries a signature block.
 * @throws {@link OtaError} `serial/flash-encrypted`, `serial/secure-boot`.
 */
export function checkSecurity(port: string, board: Board, isSigned: boolean): void {
  checkEncryption(port, board);
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
export function checkProduct(port: string, slot: AppSlot | undefined, { name, image }: FlashImage): void {
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
export function checkSize(
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
