import { OtaError } from "@tinybms/ota-core";
import { BAUD_RATE_DEFAULT, type SerialLine } from "../line/serial-line.ts";
import { isBoard, listPorts, nativeBinding, type PortInfo, type SerialBinding } from "./native-binding.ts";
import { openRfc2217Line } from "./rfc2217-line.ts";
import { type NetworkAddress, openSocketLine } from "./socket-line.ts";
import { openBindingLine } from "./stream-line.ts";

/**
 * Opens a port by its name: a path such as `/dev/ttyUSB0` or `COM3`, or as pyserial writes it `socket://HOST:PORT`
 * (bytes over TCP) or `rfc2217://HOST:PORT` (a port with its control lines behind TCP).
 *
 * @param binding - Opens paths. Without it `@serialport/bindings-cpp`, where that is installed.
 * @throws {@link OtaError} `serial/…` of the kind of port.
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
  throw invalid(`--port ${port}: ports behind a network are socket:// or rfc2217://`);
}

/**
 * Returns the port to use where none is named: the only one that looks like a board.
 *
 * @throws {@link OtaError} `serial/no-port` where there is none, or more than one.
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
      { hint: "name one with --port, or take --all-ports" },
    );
  }
  const seen = others.length === 0 ? "there is no serial port" : `of the ports ${others.join(", ")} none does`;
  const message = `no port looks like an ESP32 board: ${seen}`;
  const hint = "is the board plugged in, with a cable that carries data, and the driver of its adapter installed?";
  throw new OtaError("serial/no-port", message, { ports: others }, { hint });
}

function addressOf(port: string, rest: string): NetworkAddress {
  const url = URL.canParse(`tcp://${rest}`) ? new URL(`tcp://${rest}`) : undefined;
  const host = url?.hostname.replace(/^\[(.*)\]$/, "$1") ?? "";
  if (url !== undefined && host !== "" && url.port !== "") return { host, port: Number(url.port) };
  throw invalid(`--port ${port}: a port behind a network is SCHEME://HOST:PORT, such as socket://localhost:4000`);
}

function invalid(message: string): OtaError<"arguments/invalid"> {
  return new OtaError("arguments/invalid", message, { option: "--port" });
}
