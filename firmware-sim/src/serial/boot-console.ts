import { toHex } from "@tinybms/ota-core";
import type { BootOutcome } from "../boot/bootloader.ts";

/** Milliseconds since reset at the first line, and from line to line: about what a board at 115 200 baud takes. */
const FIRST_LINE_MS = 27;
const LINE_MS = 4;

/** How much of the ELF file's SHA-256 an app prints, in bytes (`CONFIG_APP_RETRIEVE_LEN_ELF_SHA`, in hex digits 9). */
const ELF_SHA_DIGITS = 9;

/**
 * What a start leaves on the console: the bootloader's log, and where an app started the lines by which ESP-IDF has it
 * introduce itself. Each line has a time stamp, as on a real console, made up.
 */
export function bootConsole(outcome: BootOutcome): readonly string[] {
  return [...outcome.log, ...appLog(outcome)].map((line, index) => {
    const level = /^([EWIDV]) (\w[\w.-]*: .*)$/.exec(line);
    return level === null ? line : `${level[1]} (${FIRST_LINE_MS + index * LINE_MS}) ${level[2]}`;
  });
}

/** `esp_app_format.c`, `app_init`. Apps without a descriptor say nothing. */
function appLog(outcome: BootOutcome): readonly string[] {
  const descriptor = outcome.kind === "boots" ? outcome.image.descriptor : undefined;
  if (descriptor === undefined) return [];
  return [
    "I app_init: Application information:",
    `I app_init: Project name:     ${descriptor.projectName}`,
    `I app_init: App version:      ${descriptor.version}`,
    `I app_init: Compile time:     ${descriptor.date} ${descriptor.time}`,
    `I app_init: ELF file SHA256:  ${toHex(descriptor.appElfSha256).slice(0, ELF_SHA_DIGITS)}...`,
    `I app_init: ESP-IDF:          ${descriptor.idfVersion}`,
    "I main_task: Calling app_main()",
  ];
}
