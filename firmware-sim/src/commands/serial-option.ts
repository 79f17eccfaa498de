import { OtaError } from "@tinybms/ota-core";
import type { ResetCircuit } from "../rom/reset-circuit.ts";
import { listenOnRfc2217 } from "../serial/rfc2217-port.ts";
import type { SerialCable } from "../serial/serial-cable.ts";
import { type ListenAddress, listenOnTcp, type NetworkPort } from "../serial/tcp-port.ts";

/** What carries a serial port over the network: bytes alone, or with control lines and rate. */
type Carrier = "tcp" | "rfc2217";

/** Where `--serial` puts the device's serial port. */
export interface SerialAddress extends ListenAddress {
  readonly carrier: Carrier;
  readonly resetCircuit: ResetCircuit;
}

/**
 * Reads `--serial`: `tcp:HOST:PORT` or `rfc2217:HOST:PORT`, an IPv6 address in brackets.
 *
 * @param resetCircuit - As `--reset-circuit` says.
 * @throws OtaError `arguments/invalid`.
 */
export function parseSerialOption(text: string, resetCircuit: ResetCircuit = "transistors"): SerialAddress {
  const match = /^(tcp|rfc2217):(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[4]);
  const host = match?.[2] ?? match?.[3];
  if (host !== undefined && port <= 0xffff) {
    return { carrier: match?.[1] === "tcp" ? "tcp" : "rfc2217", host, port, resetCircuit };
  }
  const message = `--serial is ${JSON.stringify(text)}; it must be tcp:HOST:PORT or rfc2217:HOST:PORT, port 0 for any`;
  throw new OtaError("arguments/invalid", message, { option: "--serial" });
}

/**
 * Opens the port.
 *
 * @throws OtaError `arguments/invalid` where it can't listen there.
 */
export async function openSerialPort(cable: SerialCable, address: SerialAddress): Promise<NetworkPort> {
  try {
    return await (address.carrier === "tcp" ? listenOnTcp : listenOnRfc2217)(cable, address);
  } catch (cause) {
    const why = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
    const message = `--serial: can't listen on ${address.host}, port ${address.port}${why}`;
    throw new OtaError("arguments/invalid", message, { option: "--serial" }, { cause });
  }
}

/** What esptool has to be told of a board that the usual sequence doesn't reset. */
const BEFORE: Readonly<Record<ResetCircuit, string>> = {
  transistors: "",
  "usb-serial-jtag": " --before usb-reset",
  none: " --before no-reset --after no-reset",
};

/** How esptool is told of the port and of how its board is reset. */
export function esptoolOptions({ carrier, host, resetCircuit }: SerialAddress, port: number): string {
  const shown = host.includes(":") ? `[${host}]` : host;
  return carrier === "tcp"
    ? `--port socket://${shown}:${port} --before no-reset --after no-reset`
    : `--port rfc2217://${shown}:${port}${BEFORE[resetCircuit]}`;
}
