import { OtaError } from "@tinybms/ota-core";
import { BAUD_RATE_DEFAULT, type SerialLine } from "../line/serial-line.ts";
import { isBoard, listPorts, nativeBinding, type PortInfo, type SerialBinding } from "./native-binding.ts";
import { openRfc2217Line } from "./rfc2217-line.ts";
import { type NetworkAddress, openSocketLine } from "./socket-line.ts";
import { openBindingLine } from "./stream-line.ts";

/**
 * Opens a port by its name: a path such as `/dev/ttyUSB0` or `COM3`, or a URL as in pyserial: `socket://HOST:PORT` (bytes
 * over TCP) or `rfc2217://HOST:PORT` (bytes and control lines over TCP).
 *
 * @param binding - Binding that opens paths. @defaultValue `@serialport/bindings-cpp`, if it is installed
 * @throws {@link OtaError} `serial/…`: the codes of {@link openBindingLine}, {@link openSocketLine} and
 *   {@link openRfc2217Line}.
 * @throws {@link OtaError} `arguments/invalid` for a malformed URL.
 */
export async function openPort(
  port: string,
  baudRate: number = BAUD_RATE_DEFAULT,
  binding?: SerialBinding,
): Promise<SerialLine> {
  const [, scheme, rest = ""] = /^([a-z0-9]+):\/\/(.*)$/i.exec(port) ?? [];
  if (scheme === undefined) return openBindingLine(binding ?? (await nativeBinding()), port, { baudRate });
  const address = addressOf(port, rest);
  if (scheme.toLowerCase() === "socket") return openSocketLine(address);
  if (scheme.toLowerCase() === "rfc2217") return openRfc2217Line(address, baudRate);
  throw invalid(`--port ${port}: network ports begin with socket:// or rfc2217://`);
}

/**
 * Returns the only port that looks like a board, for a user who names none.
 *
 * @throws {@link OtaError} `serial/no-port` if no port or more than one looks like a board.
 */
export async function onlyBoardPort(list: () => Promise<readonly PortInfo[]> = listPorts): Promise<string> {
  const ports = await list();
  const boards = ports.filter(isBoard).map(({ path }) => path);
  const [only] = boards;
  if (only !== undefined && boards.length === 1) return only;
  const others = ports.map(({ path }) => path);
  if (boards.length > 1) {
    const message = `${boards.length} ports look like a board: ${boards.join(", ")}`;
    throw new OtaError(
      "serial/no-port",
      message,
      { ports: boards },
      { hint: "name one with --port, or use --all-ports" },
    );
  }
  const seen = others.length === 0 ? "there are no serial ports" : `the ports are ${others.join(", ")}`;
  const message = `no port looks like an ESP32 board: ${seen}`;
  const hint = "check that the board is plugged in, its cable carries data, and its adapter's driver is installed";
  throw new OtaError("serial/no-port", message, { ports: others }, { hint });
}

function addressOf(port: string, rest: string): NetworkAddress {
  const url = URL.canParse(`tcp://${rest}`) ? new URL(`tcp://${rest}`) : undefined;
  const host = url?.hostname.replace(/^\[(.*)\]$/, "$1") ?? "";
  if (url !== undefined && host !== "" && url.port !== "") return { host, port: Number(url.port) };
  throw invalid(`--port ${port}: a network port is SCHEME://HOST:PORT, such as socket://localhost:4000`);
}

function invalid(message: string): OtaError<"arguments/invalid"> {
  return new OtaError("arguments/invalid", message, { option: "--port" });
}
