import type { RomProfile } from "./rom-profile.ts";

/** Cause of a reset. */
export type ResetCause = "power-on" | "software";

/** Returns the lines that the ROM prints when it waits for a host. */
export function downloadLog(profile: RomProfile, cause: ResetCause): readonly string[] {
  return [...profile.banner, resetLine(profile, cause, profile.downloadBoot), "waiting for download"];
}

/** Returns the lines that the ROM prints when it starts what is in flash. */
export function flashBootLog(profile: RomProfile, cause: ResetCause): readonly string[] {
  return [...profile.banner, resetLine(profile, cause, profile.flashBoot)];
}

function resetLine(profile: RomProfile, cause: ResetCause, boot: string): string {
  return `rst:${cause === "software" ? profile.softwareReset : profile.powerOnReset},boot:${boot}`;
}

/**
 * Returns the lines that the ROM prints, after {@link flashBootLog}, if there is no bootloader.
 *
 * @param word - First four bytes at the bootloader's offset, little-endian.
 */
export function noBootloaderLog(word: number): readonly string[] {
  return new Array<string>(3).fill(`invalid header: 0x${word.toString(16).padStart(8, "0")}`);
}

/** Joins lines with the line ends of the serial line. */
export function consoleText(lines: readonly string[]): string {
  return lines.map((line) => `${line}\r\n`).join("");
}
