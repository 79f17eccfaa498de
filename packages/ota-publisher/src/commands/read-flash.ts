import { createHash } from "node:crypto";
import { type CommandOutput, ExitCode, printable } from "@tinybms/cli-kit/output";
import { OtaError } from "@tinybms/ota-core";
import type { PartitionEntry } from "@tinybms/ota-core/esp";
import { writeFileAtomically } from "@tinybms/ota-core/node";
import type { Flasher, SerialLine } from "@tinybms/ota-serial";
import { createByteProgress } from "../console/byte-progress.ts";
import { loadSerial } from "../serial/load-serial.ts";
import { type FlashCommandOptions, onlyPortOf, type PortOptions, reachOf } from "./flash-options.ts";

/** Options that select a range of flash, as commander parses them. */
export interface FlashPlaceOptions extends PortOptions, Pick<FlashCommandOptions, "partitionTableOffset"> {
  readonly partition?: string;
  /** Offset in bytes. */
  readonly offset?: number;
  readonly size?: number;
}

/** Options of `tinybms-ota read-flash`, as commander parses them. */
export interface ReadFlashCommandOptions extends FlashPlaceOptions {
  readonly out: string;
}

/** Options of `tinybms-ota erase`, as commander parses them. */
export interface EraseCommandOptions extends FlashPlaceOptions {
  readonly whole?: boolean;
}

/** Range of flash, in bytes. */
interface FlashPlace {
  readonly offset: number;
  readonly size: number;
}

/** Smallest erasable unit of flash, in bytes. */
const SECTOR_SIZE = 0x1000;

/**
 * Saves a board's flash to a file: all of it, a partition, or a range.
 *
 * @returns The exit code.
 * @throws OtaError `serial/…`, `arguments/invalid`.
 */
export async function runReadFlash(options: ReadFlashCommandOptions, output: CommandOutput): Promise<number> {
  return withBoard(options, output, async (flasher) => {
    const { offset, size } = await placeOf(flasher, options);
    const startedAt = performance.now();
    const progress = createByteProgress(output, printable(flasher.port), size);
    let bytes: Uint8Array;
    try {
      bytes = await flasher.read(offset, size, ({ done }) => progress.update(done));
    } finally {
      progress.stop();
    }
    await save(options.out, bytes);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const durationMs = Math.round(performance.now() - startedAt);
    const { chip } = flasher.board;
    output.printJson({ port: flasher.port, chip: chip.name, offset, size, sha256, output: options.out, durationMs });
    if (!output.quiet)
      output.print(`wrote ${printable(options.out)}: ${size} bytes from 0x${offset.toString(16)}, SHA-256 ${sha256}`);
  });
}

/**
 * Erases a range of a board's flash, or all of it.
 *
 * @returns The exit code.
 * @throws OtaError `serial/…`, `arguments/invalid`.
 */
export async function runErase(options: EraseCommandOptions, output: CommandOutput): Promise<number> {
  const { whole, partition, offset } = options;
  if ([whole, partition, offset].filter((given) => given !== undefined).length !== 1) {
    const message = "say what to erase with one of --partition NAME, --offset with --size, or --whole";
    throw new OtaError("arguments/invalid", message, { option: "--partition" });
  }
  return withBoard(options, output, async (flasher) => {
    const place = await placeOf(flasher, options);
    if (place.offset % SECTOR_SIZE !== 0 || place.size % SECTOR_SIZE !== 0) {
      throw new OtaError("arguments/invalid", "--offset and --size must be multiples of 0x1000, a sector", {
        option: "--offset",
      });
    }
    await flasher.erase(place.offset, place.size);
    output.printJson({ port: flasher.port, chip: flasher.board.chip.name, ...place });
    if (!output.quiet) output.print(`erased ${place.size} bytes from 0x${place.offset.toString(16)}`);
  });
}

/** Connects to the board of a command, runs `use`, and starts the board's app again. */
async function withBoard(
  options: FlashPlaceOptions,
  output: CommandOutput,
  use: (flasher: Flasher) => Promise<void>,
): Promise<number> {
  const serial = await loadSerial();
  const reach = reachOf(serial, options);
  const line: SerialLine = await serial.openPort(await onlyPortOf(serial, options));
  try {
    const onNote = (text: string): void => output.note(printable(text));
    const flasher = await serial.Flasher.connect(line, { ...reach, signal: output.world.signal, onNote });
    try {
      await use(flasher);
    } finally {
      await flasher.startApp().catch(() => undefined);
    }
    return ExitCode.done;
  } finally {
    await line.close().catch(() => undefined);
  }
}

async function placeOf(flasher: Flasher, options: FlashPlaceOptions): Promise<FlashPlace> {
  const { partition, offset = 0, partitionTableOffset } = options;
  const { port, board } = flasher;
  if (partition !== undefined) {
    const { table } = await flasher.readLayout(partitionTableOffset);
    return partitionNamed(port, table.entries, partition);
  }
  const size = options.size ?? board.flashSize - offset;
  if (size > 0 && offset + size <= board.flashSize) return { offset, size };
  const message = `the flash of the board on ${port} has ${board.flashSize} bytes; ${size} bytes from 0x${offset.toString(16)} exceed it`;
  throw new OtaError("arguments/invalid", message, { option: "--offset" });
}

function partitionNamed(port: string, entries: readonly PartitionEntry[], name: string): FlashPlace {
  const found = entries.find(({ label }) => label === name);
  if (found !== undefined) return { offset: found.offset, size: found.size };
  const known = entries.map(({ label }) => label);
  const message = `the board on ${port} has no partition ${JSON.stringify(name)}`;
  const hint = `it has ${known.join(", ")}`;
  throw new OtaError("serial/no-partition", message, { port, partition: name, known }, { hint });
}

async function save(file: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFileAtomically(file, bytes);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new OtaError("serial/file-unwritable", `${file} can't be written: ${why}`, { file }, { cause });
  }
}
