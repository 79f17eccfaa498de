import { type CommandOutput, printable } from "@tinybms/cli-kit/output";
import type { OtaError } from "@tinybms/ota-core";
import { revisionName } from "@tinybms/ota-core/esp";
import type { PortInfo } from "@tinybms/ota-serial/node";
import { definedMembers } from "../defined-members.ts";
import type { BoardRecord } from "../serial/flash-job.ts";
import type { FlashCommandOptions } from "./flash-options.ts";

/** Prints the serial ports, boards first. */
export function reportPorts(ports: readonly PortInfo[], output: CommandOutput): void {
  output.printJson({
    ports: ports.map(({ path, vendorId, productId, manufacturer, serialNumber, kind }) => ({
      ...{ path, kind, vendorId: vendorId ?? null, productId: productId ?? null },
      ...{ manufacturer: manufacturer ?? null, serialNumber: serialNumber ?? null },
    })),
  });
  if (ports.length === 0) output.note("there are no serial ports");
  const width = Math.max(0, ...ports.map(({ path }) => path.length));
  for (const { path, kind, manufacturer, serialNumber } of ports) {
    const facts = [kind, manufacturer, serialNumber].filter((fact) => fact !== undefined).join("  ");
    output.print(printable(`${path.padEnd(width)}  ${facts}`));
  }
}

/** Builds the document of `flash --json`. */
export function flashDocument(
  { version, dryRun = false }: Pick<FlashCommandOptions, "version" | "dryRun">,
  records: readonly BoardRecord[],
  error: OtaError | undefined,
): object {
  return { ...definedMembers({ version }), dryRun, boards: records.map(boardDocument), ...definedMembers({ error }) };
}

/** Prints the result of one board. */
export function reportBoard(record: BoardRecord, output: CommandOutput): void {
  const { port, outcome, board, plan, written, unchanged, durationMs, started, error } = record;
  if (error !== undefined) {
    output.fail(error);
    return;
  }
  if (output.quiet || board === undefined) return;
  const size = `${board.flashSize / 0x10_0000} MB`;
  output.print(`${printable(port)}: ${board.chipName} ${revisionName(board.revision)}, ${board.mac}, ${size} flash`);
  const verb = outcome === "planned" ? "would write" : "wrote";
  for (const part of plan?.steps.flat() ?? []) {
    output.print(`  ${verb} ${printable(part.name)} at 0x${part.offset.toString(16)} (${part.bytes.length} bytes)`);
  }
  if (outcome === "planned") {
    for (const warning of plan?.warnings ?? []) output.warn(printable(warning));
    return;
  }
  const slot = plan?.slot === undefined ? "" : ` into ${plan.slot}`;
  const seconds = (durationMs / 1000).toFixed(1);
  output.print(`  flashed${slot} in ${seconds} s: ${written} bytes written, ${unchanged} unchanged; verified`);
  if (started !== undefined)
    output.print(`  started${started.version === undefined ? "" : ` ${printable(started.version)}`}`);
}

function boardDocument(record: BoardRecord): object {
  const { port, outcome, board, plan, written, unchanged, bytesSent, baudRate, durationMs, started, error } = record;
  return {
    port,
    outcome,
    ...(board === undefined
      ? {}
      : {
          chip: board.chip.name,
          revision: revisionName(board.revision),
          mac: board.mac,
          flashSize: board.flashSize,
        }),
    slot: plan?.slot ?? null,
    parts: (plan?.steps ?? []).flat().map(({ name, offset, bytes }) => ({ name, offset, size: bytes.length })),
    ...{ written, unchanged, bytesSent, baudRate: baudRate ?? null },
    durationMs: Math.round(durationMs),
    started:
      started === undefined ? null : { version: started.version ?? null, projectName: started.projectName ?? null },
    warnings: plan?.warnings ?? [],
    ...definedMembers({ error }),
  };
}
