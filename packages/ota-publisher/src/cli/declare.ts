import type { Command } from "commander";
import type { CommandConsole, OutputOptions } from "../console/console.ts";

/** Where a command looks for the root manifest unless it is told. */
export const MANIFEST_DEFAULT = "ota/manifest.json";

/** Makes a commander action of a step that returns the exit code. */
export type RunStep = <Options extends OutputOptions>(
  step: (options: Options, console: CommandConsole) => Promise<number>,
) => (options: Options) => Promise<void>;

/**
 * Gives a command its options and its action. What the action needs is imported when it runs: `--help` needs no MQTT.
 */
export type Declare = (command: Command, run: RunStep) => void;
