import type { RomProfile } from "./rom-profile.ts";

/** What a chip starts from. */
export type ResetCause = "power-on" | "software";

/** What the ROM prints when it waits for a host. */
export function downloadLog(profile: RomProfile, cause: ResetCause): readonly string[] {
  return [...profile.banner, resetLine(profile, cause, profile.downloadBoot), "waiting for download"];
}

/** What the ROM prints when it starts what is in flash. */
export function flashBootLog(profile: RomProfile, cause: ResetCause): readonly string[] {
  return [...profile.banner, resetLine(profile, cause, profile.flashBoot)];
}

function resetLine(profile: RomProfile, cause: ResetCause, boot: string): string {
  return `rst:${cause === "software" ? profile.softwareReset : profile.powerOnReset},boot:${boot}`;
}

/**
 * What the ROM prints, behind {@link flashBootLog}, where no bootloader stands.
 *
 * @param word - The first four bytes of its place, little-endian.
 */
export function noBootloaderLog(word: number): readonly string[] {
  return new Array<string>(3).fill(`invalid header: 0x${word.toString(16).padStart(8, "0")}`);
}

/** Lines as they go over the wire. */
export function consoleText(lines: readonly string[]): string {
  return lines.map((line) => `${line}\r\n`).join("");
}
