import type { OutputOptions } from "@tinybms/cli-kit/output";
import { OtaError } from "@tinybms/ota-core";
import type { FlasherOptions, SlotChoice } from "@tinybms/ota-serial";
import { portsOf } from "../serial/board-ports.ts";
import type { ReachOptions } from "../serial/flash-job.ts";
import type { SerialPackage } from "../serial/load-serial.ts";

/** Options by which the commands for boards at a cable find them, as commander reads them. */
export interface PortOptions extends OutputOptions {
  readonly port?: readonly string[];
  readonly allPorts?: boolean;
  readonly baud: number;
  readonly resetSequence?: string;
}

/** Options of `tinybms-ota flash`, as commander reads them. */
export interface FlashCommandOptions extends PortOptions {
  readonly list?: boolean;
  readonly manifest: string;
  readonly version?: string;
  readonly artifact?: string;
  readonly app?: string;
  /** `flasher_args.json`. */
  readonly all?: string;
  /** `FILE@OFFSET`. */
  readonly image?: readonly string[];
  readonly slot?: SlotChoice;
  /** False with `--no-select`. */
  readonly select: boolean;
  readonly keepOtadata?: boolean;
  readonly nvs?: string;
  readonly partitionTableOffset?: number;
  /** For the bootloader's header, by esptool's names. */
  readonly flashMode?: string;
  readonly flashSize?: string;
  readonly flashFreq?: string;
  readonly force?: boolean;
  /** Seconds. */
  readonly watch: number;
  readonly monitor?: boolean;
  readonly dryRun?: boolean;
}

/** The one port of a command that takes no more. */
export async function onlyPortOf(serial: SerialPackage, options: Pick<PortOptions, "port">): Promise<string> {
  const [port, ...others] = await portsOf(serial, options);
  if (port !== undefined && others.length === 0) return port;
  throw invalid("--port", "this command takes one port");
}

/**
 * How boards are reached.
 *
 * @throws {@link OtaError} `arguments/invalid`.
 */
export function reachOf(
  serial: SerialPackage,
  { baud, resetSequence, partitionTableOffset }: PortOptions & Pick<FlashCommandOptions, "partitionTableOffset">,
): ReachOptions & FlasherOptions {
  return {
    baudRate: baud,
    ...(resetSequence === undefined ? {} : { reset: serial.parseResetSequence(resetSequence) }),
    tableOffset: partitionTableOffset,
  };
}

/**
 * Options that contradict each other.
 *
 * @throws {@link OtaError} `arguments/invalid`.
 */
export function refuseContradictions(options: FlashCommandOptions): void {
  const { version, app, all, image, slot, select, keepOtadata, monitor, port = [], allPorts } = options;
  const { flashMode, flashSize, flashFreq } = options;
  const sources = Object.entries({ version, app, all, image }).filter(([, value]) => value !== undefined);
  if (sources.length !== 1) {
    const given = sources.map(([name]) => `--${name}`).join(" and ");
    const fault = sources.length === 0 ? "what is to be flashed is not said" : `${given} can't be kept together`;
    const hint = "one of --version V, --app FILE, --all build/flasher_args.json, --image FILE@OFFSET";
    throw invalid(sources.length === 0 ? "--version" : `--${sources[1]?.[0]}`, fault, hint);
  }
  const isWhole = all !== undefined || image !== undefined;
  if (isWhole && slot !== undefined)
    throw invalid("--slot", "--slot is for one app; parts with an offset know their place");
  if (isWhole && !select) throw invalid("--no-select", "--no-select is for one app; --keep-otadata is for parts");
  const setting = Object.entries({ "--flash-mode": flashMode, "--flash-size": flashSize, "--flash-freq": flashFreq });
  const [given] = setting.find(([, value]) => value !== undefined) ?? [];
  if (!isWhole && given !== undefined)
    throw invalid(given, `${given} goes into the bootloader's header: it is for --all and --image`);
  if (!isWhole && keepOtadata === true)
    throw invalid("--keep-otadata", "--keep-otadata is for parts; --no-select is for one app");
  if (monitor === true && (allPorts === true || port.length > 1))
    throw invalid("--monitor", "--monitor shows one board");
}

function invalid(option: string, message: string, hint?: string): OtaError<"arguments/invalid"> {
  return new OtaError("arguments/invalid", message, { option }, hint === undefined ? {} : { hint });
}
