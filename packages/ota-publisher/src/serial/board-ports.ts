import { OtaError } from "@tinybms/ota-core";
import type { SerialPackage } from "./load-serial.ts";

/** Options that select ports. */
export interface PortChoice {
  readonly port?: readonly string[] | undefined;
  readonly allPorts?: boolean | undefined;
}

/**
 * Returns the selected ports: the named ones, all that look like a board, or the only one.
 *
 * @throws {@link OtaError} `serial/no-port`, `serial/ports-unlisted`, `arguments/invalid`.
 */
export async function portsOf(serial: SerialPackage, { port = [], allPorts }: PortChoice): Promise<readonly string[]> {
  if (port.length > 0 && allPorts === true) {
    const message = "--all-ports selects every board; omit --port";
    throw new OtaError("arguments/invalid", message, { option: "--all-ports" });
  }
  if (port.length > 0) return [...new Set(port)];
  if (allPorts !== true) return [await serial.onlyBoardPort()];
  const boards = (await serial.listPorts()).filter(serial.isBoard).map(({ path }) => path);
  if (boards.length > 0) return boards;
  throw new OtaError("serial/no-port", "no port looks like an ESP32 board", { ports: [] });
}
