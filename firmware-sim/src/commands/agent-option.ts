import type { Command } from "commander";
import { Option } from "commander";
import { AGENT_KINDS, type AgentKind } from "../agent/agent-receiver.ts";

/** Option that every command with devices has. */
export interface AgentOption {
  readonly agent?: AgentKind | undefined;
}

/** Declares `--agent`. */
export function declareAgent(command: Command): Command {
  const option = new Option("--agent <kind>", "implementation of the receiver: ts, or c (the device code in C)");
  return command.addOption(option.choices(AGENT_KINDS).default("ts"));
}
