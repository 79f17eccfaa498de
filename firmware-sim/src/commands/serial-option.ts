import { OtaError } from "@tinybms/ota-core";
import type { ResetCircuit } from "../rom/reset-circuit.ts";
import { listenOnRfc2217 } from "../serial/rfc2217-port.ts";
import type { SerialCable } from "../serial/serial-cable.ts";
import { type ListenAddress, listenOnTcp, type NetworkPort } from "../serial/tcp-port.ts";

/** Protocol of a serial port on the network: only bytes, or also control lines and baud rate. */
type Carrier = "tcp" | "rfc2217";

/** Address and protocol of `--serial`, with the value of `--reset-circuit`. */
export interface SerialAddress extends ListenAddress {
  readonly carrier: Carrier;
  readonly resetCircuit: ResetCircuit;
}

/**
 * Parses the value of `--serial`: `tcp:HOST:PORT` or `rfc2217:HOST:PORT`, with an IPv6 address in brackets.
 *
 * @param resetCircuit - Value of `--reset-circuit`.
 * @throws {@link OtaError} `arguments/invalid`.
 */
export function parseSerialOption(text: string, resetCircuit: ResetCircuit = "transistors"): SerialAddress {
  const match = /^(tcp|rfc2217):(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[4]);
  const host = match?.[2] ?? match?.[3];
  if (host !== undefined && port <= 0xffff) {
    return { carrier: match?.[1] === "tcp" ? "tcp" : "rfc2217", host, port, resetCircuit };
  }
  const message = `--serial is ${JSON.stringify(text)}; it must be tcp:HOST:PORT or rfc2217:HOST:PORT; port 0 picks a free port`;
  throw new OtaError("arguments/invalid", message, { option: "--serial" });
}

/**
 * Starts to serve the serial port.
 *
 * @throws {@link OtaError} `arguments/invalid` if it can't listen on the address.
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

/** Options of esptool for boards that its default reset sequence doesn't reset. */
const BEFORE: Readonly<Record<ResetCircuit, string>> = {
  transistors: "",
  "usb-serial-jtag": " --before usb-reset",
  none: " --before no-reset --after no-reset",
};

/** Returns the esptool options for the port and its reset circuit. */
export function esptoolOptions({ carrier, host, resetCircuit }: SerialAddress, port: number): string {
  const shown = host.includes(":") ? `[${host}]` : host;
  return carrier === "tcp"
    ? `--port socket://${shown}:${port} --before no-reset --after no-reset`
    : `--port rfc2217://${shown}:${port}${BEFORE[resetCircuit]}`;
}
