import { toHex } from "@tinybms/ota-core";
import type { BootOutcome } from "../boot/bootloader.ts";

/** Time stamp of the first line, and distance between lines, in milliseconds: about as on a board at 115200 baud. */
const FIRST_LINE_MS = 27;
const LINE_MS = 4;

/** Digits of the ELF file's SHA-256 that an app prints (`CONFIG_APP_RETRIEVE_LEN_ELF_SHA`). */
const ELF_SHA_DIGITS = 9;

/**
 * Returns the console output of a boot: the bootloader's log and, if an app started, its first lines as ESP-IDF prints
 * them. Time stamps are invented.
 */
export function bootConsole(outcome: BootOutcome): readonly string[] {
  return [...outcome.log, ...appLog(outcome)].map((line, index) => {
    const level = /^([EWIDV]) (\w[\w.-]*: .*)$/.exec(line);
    return level === null ? line : `${level[1]} (${FIRST_LINE_MS + index * LINE_MS}) ${level[2]}`;
  });
}

/** Returns the output of `esp_app_format.c` and `app_init`. Apps without a descriptor print nothing. */
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
