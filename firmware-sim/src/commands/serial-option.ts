import { OtaError } from "@tinybms/ota-core";
import { listenOnRfc2217 } from "../serial/rfc2217-port.ts";
import type { SerialCable } from "../serial/serial-cable.ts";
import { type ListenAddress, listenOnTcp, type NetworkPort } from "../serial/tcp-port.ts";

/** What carries a serial port over the network: bytes alone, or with control lines and rate. */
type Carrier = "tcp" | "rfc2217";

/** Where `--serial` puts the device's serial port. */
export interface SerialAddress extends ListenAddress {
  readonly carrier: Carrier;
}

/**
 * Reads `--serial`: `tcp:HOST:PORT` or `rfc2217:HOST:PORT`, an IPv6 address in brackets.
 *
 * @throws OtaError `arguments/invalid`.
 */
export function parseSerialOption(text: string): SerialAddress {
  const match = /^(tcp|rfc2217):(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[4]);
  const host = match?.[2] ?? match?.[3];
  if (host !== undefined && port <= 0xffff) return { carrier: match?.[1] === "tcp" ? "tcp" : "rfc2217", host, port };
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

/** How esptool is told of the port. */
export function esptoolOptions({ carrier, host }: SerialAddress, port: number): string {
  const shown = host.includes(":") ? `[${host}]` : host;
  return carrier === "tcp"
    ? `--port socket://${shown}:${port} --before no-reset --after no-reset`
    : `--port rfc2217://${shown}:${port}`;
}
