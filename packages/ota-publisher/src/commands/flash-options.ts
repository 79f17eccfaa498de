import type { OutputOptions } from "@tinybms/cli-kit/output";
import { OtaError } from "@tinybms/ota-core";
import type { FlasherOptions, SlotChoice } from "@tinybms/ota-serial";
import { portsOf } from "../serial/board-ports.ts";
import type { ReachOptions } from "../serial/flash-job.ts";
import type { SerialPackage } from "../serial/load-serial.ts";

/** Options that select a board, as commander parses them. */
export interface PortOptions extends OutputOptions {
  readonly port?: readonly string[];
  readonly allPorts?: boolean;
  readonly baud: number;
  readonly resetSequence?: string;
}

/** Options of `tinybms-ota flash`, as commander parses them. */
export interface FlashCommandOptions extends PortOptions {
  readonly list?: boolean;
  readonly manifest: string;
  readonly version?: string;
  readonly artifact?: string;
  readonly app?: string;
  /** Path of a `flasher_args.json`. */
  readonly all?: string;
  /** Files with offsets, `FILE@OFFSET`. */
  readonly image?: readonly string[];
  readonly slot?: SlotChoice;
  /** `false` with `--no-select`. */
  readonly select: boolean;
  readonly keepOtadata?: boolean;
  readonly nvs?: string;
  readonly partitionTableOffset?: number;
  /** Flash mode for the bootloader's header, by esptool's name. */
  readonly flashMode?: string;
  readonly flashSize?: string;
  readonly flashFreq?: string;
  readonly force?: boolean;
  /** How long to watch the app start, in seconds. */
  readonly watch: number;
  readonly monitor?: boolean;
  readonly dryRun?: boolean;
}

/**
 * Returns the port of a command that uses one board.
 *
 * @throws {@link OtaError} `arguments/invalid` if the options name several ports.
 */
export async function onlyPortOf(serial: SerialPackage, options: Pick<PortOptions, "port">): Promise<string> {
  const [port, ...others] = await portsOf(serial, options);
  if (port !== undefined && others.length === 0) return port;
  throw invalid("--port", "this command takes one port");
}

/**
 * Returns the connection options for boards.
 *
 * @throws {@link OtaError} `arguments/invalid`.
 */
export function reachOf(
  serial: SerialPackage,
  { baud, resetSequence, partitionTableOffset }: PortOptions & Pick<FlashCommandOptions, "partitionTableOffset">,
): ReachOptions & FlasherOptions {
  return {
    baudRate: baud,
    reset: resetSequence === undefined ? undefined : serial.parseResetSequence(resetSequence),
    tableOffset: partitionTableOffset,
  };
}

/**
 * Checks that options do not contradict each other.
 *
 * @throws {@link OtaError} `arguments/invalid`.
 */
export function assertConsistent(options: FlashCommandOptions): void {
  const { version, app, all, image, slot, select, keepOtadata, monitor, port = [], allPorts } = options;
  const { flashMode, flashSize, flashFreq } = options;
  const sources = Object.entries({ version, app, all, image }).filter(([, value]) => value !== undefined);
  if (sources.length !== 1) {
    const given = sources.map(([name]) => `--${name}`).join(" and ");
    const fault = sources.length === 0 ? "no option says what to flash" : `${given} exclude each other`;
    const hint = "use one of --version V, --app FILE, --all build/flasher_args.json, --image FILE@OFFSET";
    throw invalid(sources.length === 0 ? "--version" : `--${sources[1]?.[0]}`, fault, hint);
  }
  const isWhole = all !== undefined || image !== undefined;
  if (isWhole && slot !== undefined)
    throw invalid("--slot", "--slot applies to one app; --all and --image have offsets");
  if (isWhole && !select)
    throw invalid("--no-select", "--no-select applies to one app; use --keep-otadata with --all and --image");
  const setting = Object.entries({ "--flash-mode": flashMode, "--flash-size": flashSize, "--flash-freq": flashFreq });
  const [given] = setting.find(([, value]) => value !== undefined) ?? [];
  if (!isWhole && given !== undefined)
    throw invalid(given, `${given} changes the bootloader's header: it needs --all or --image`);
  if (!isWhole && keepOtadata === true)
    throw invalid("--keep-otadata", "--keep-otadata needs --all or --image; use --no-select with one app");
  if (monitor === true && (allPorts === true || port.length > 1))
    throw invalid("--monitor", "--monitor takes one board");
}

function invalid(option: string, message: string, hint?: string): OtaError<"arguments/invalid"> {
  return new OtaError("arguments/invalid", message, { option }, { hint });
}
