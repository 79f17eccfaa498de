import { type CommandOutput, printable } from "@tinybms/cli-kit/output";
import type { BoardDescription, SlotDescription } from "../twin/describe-board.ts";
import type { TwinBuildResult, TwinResult } from "../twin/twin.ts";
import { idfLine } from "./idf-option.ts";

const COLORS = { yes: "green", no: "red", "cannot-tell": "yellow" } as const;

/** Formats a result for people: the board's content, the builds tried, the assumptions and the verdict. */
export function summarizeTwin(result: TwinResult, durationMs: number, output: CommandOutput): readonly string[] {
  const { verdict, reasons, assumptions, found, idf, update, builds } = result;
  const lines = [...boardLines(found), `simulated   ${idfLine(idf)}`];
  const { version, projectName, size, signed } = update;
  lines.push(`update      ${projectName} ${version}, ${size} bytes${signed ? ", signed" : ""}`);
  for (const build of builds) lines.push(...buildLines(build));
  for (const assumption of assumptions) lines.push(`assumed     ${assumption}`);
  for (const { code, message } of reasons) lines.push(`${output.style(COLORS[verdict], code)}  ${message}`);
  const seconds = `${(durationMs / 1000).toFixed(1)} s`;
  const text = { yes: "yes: it survives this release", no: "no", "cannot-tell": "cannot tell" }[verdict];
  return [...lines.map(printable), `${output.style(COLORS[verdict], text)}  (${seconds})`];
}

function boardLines({ chip, flashSize, bootloader, slots, otadata, nvs }: BoardDescription): readonly string[] {
  const lines = [`board       ${chip}, ${flashSize / 2 ** 20} MiB of flash`];
  if (bootloader !== null) {
    const { idfVersion, built, offset, rollback, antiRollback, secureBoot } = bootloader;
    const version = idfVersion === null ? "of an unknown ESP-IDF" : `of ESP-IDF ${idfVersion}`;
    const options = [
      `rollback ${known(rollback)}`,
      `anti-rollback ${known(antiRollback)}`,
      `secure boot ${known(secureBoot)}`,
    ];
    const built_ = built === null ? "" : `, built ${built}`;
    lines.push(`bootloader  ${version} at 0x${offset.toString(16)}${built_}; ${options.join(", ")}`);
  }
  lines.push(...slots.map((slot) => `${slot.label.padEnd(11)} ${slotText(slot)}`));
  const entries = otadata.map(({ blank, sequence, state, crcMatches, active }) => {
    if (blank) return "blank";
    return `${sequence} ${state}${crcMatches ? "" : " torn"}${active ? " (active)" : ""}`;
  });
  lines.push(`otadata     ${entries.length === 0 ? "none" : entries.join(", ")}`);
  for (const { label, valid, entries: count, namespaces } of nvs) {
    const damage = valid ? "" : ", damaged";
    lines.push(`${label.padEnd(11)} ${count} entries in ${namespaces.length} namespaces${damage}`);
  }
  return lines;
}

function slotText({
  subtype,
  size,
  contents,
  valid,
  version,
  projectName,
  state,
  runs,
  signed,
}: SlotDescription): string {
  const place = `${subtype}, ${size / 1024} KiB`;
  if (contents !== "app") return `${place}: ${contents === "erased" ? "erased" : "no app"}`;
  const marks = [
    ...(valid ? [] : ["damaged"]),
    ...(signed ? ["signed"] : []),
    ...(state === null ? [] : [state]),
    ...(runs ? ["runs"] : []),
  ];
  return [`${place}: ${projectName ?? "an app"} ${version ?? ""}`.trimEnd(), ...marks].join(", ");
}

function buildLines({ assuming, points, outcomes, ends, verdict }: TwinBuildResult): readonly string[] {
  if (points === 0) return [];
  const { old, new: updated, unprotectedBoot } = outcomes;
  const started = `old image ${old}, new ${updated}, unprotected-boot ${unprotectedBoot}`;
  const ended = `confirmed ${ends.confirmed}, rolled-back ${ends.rolledBack}, failed ${ends.failed}`;
  const what = assuming === "" ? "" : `if ${assuming}: `;
  return [`tried       ${what}${verdict}; ${points} power cuts, started first: ${started}; ended: ${ended}`];
}

function known(option: boolean | null): string {
  if (option === null) return "unknown";
  return option ? "on" : "off";
}
