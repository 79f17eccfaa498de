import { OtaError } from "@tinybms/ota-core";

/** Line on which no loader answered. */
export interface UnansweredLine {
  readonly port: string;
  /** `true` if the line has control signals, so that resets were tried. */
  readonly hasSignals: boolean;
  /** Bytes received instead of answers. */
  readonly heard: Uint8Array;
}

/** Share of printable characters from which bytes count as text. */
const READABLE_SHARE = 0.8;

/** Creates the error that explains, from the received bytes, why no loader answered. */
export function connectFault({ port, hasSignals, heard }: UnansweredLine): OtaError {
  const text = new TextDecoder("latin1").decode(heard);
  const bootModes = [...text.matchAll(/boot:0x([0-9a-f]+)/gi)];
  const bootMode = bootModes.at(-1)?.[1];
  if (/brownout|BROWN_OUT/i.test(text)) return brownOut(port);
  if (/waiting for download/i.test(text)) return hasLeftLoader(text) ? linesSwapped(port) : loaderUnreached(port);
  if (bootMode !== undefined) return wrongBootMode(port, Number.parseInt(bootMode, 16));
  if (heard.length === 0) return nothingReceived(port, hasSignals);
  return isReadable(heard) ? appRunning(port, hasSignals) : unreadable(port);
}

/** Creates the error for a power supply that fails under load. */
export function brownOut(port: string): OtaError<"serial/brown-out"> {
  const message = `the board on ${port} restarts because its power supply fails (brownout)`;
  const hint =
    "use another USB port or cable, or an external supply; the 3.3 V output of an FTDI adapter is too weak for a board";
  return new OtaError("serial/brown-out", message, { port }, { hint });
}

function loaderUnreached(port: string): OtaError<"serial/loader-deaf"> {
  const message = `the board on ${port} is in its loader but receives nothing`;
  const hint = "check the line from the adapter's TX to the board's RX; nothing else may drive that pin";
  return new OtaError("serial/loader-deaf", message, { port }, { hint });
}

/**
 * Returns `true` if the board was in its loader and was then reset into its app, as by a reset sequence on swapped lines.
 */
function hasLeftLoader(text: string): boolean {
  return /FLASH_BOOT/.test(text.slice(text.search(/waiting for download/i)));
}

/** The default sequence with DTR and RTS swapped, in the notation of `--reset-sequence`. */
const SWAPPED_RESET = "R0|D1|W0.1|R1|D0|W0.05|R0";

function linesSwapped(port: string): OtaError<"serial/loader-deaf"> {
  const message = `the board on ${port} was in its loader and was reset out of it before it could answer`;
  const hint = `DTR and RTS are probably swapped: swap their wires, or try --reset-sequence "${SWAPPED_RESET}"`;
  return new OtaError("serial/loader-deaf", message, { port }, { hint });
}

function wrongBootMode(port: string, bootMode: number): OtaError<"serial/wrong-boot-mode"> {
  const message = `the board on ${port} was reset and started its app (boot mode 0x${bootMode.toString(16)}) instead of its loader`;
  const hint = "hold its BOOT button down (IO0 to ground) while connecting, or correct the wiring of DTR to IO0";
  return new OtaError("serial/wrong-boot-mode", message, { port, bootMode }, { hint });
}

function nothingReceived(port: string, hasSignals: boolean): OtaError<"serial/nothing-received"> {
  const message = `nothing was received from ${port}`;
  const hint = hasSignals
    ? "check the port, the board's power, and that the cable carries data; without auto-reset hold BOOT and press EN"
    : "this port can't reset the board: hold its BOOT button, press EN, and try again";
  return new OtaError("serial/nothing-received", message, { port }, { hint });
}

function appRunning(port: string, hasSignals: boolean): OtaError<"serial/app-running"> {
  const message = `the board on ${port} keeps printing its app's log: no reset reached it`;
  const hint = hasSignals
    ? "it has no auto-reset, or RTS is not wired to EN: hold BOOT, press EN, and try again"
    : "this port can't reset the board: hold BOOT, press EN, and try again";
  return new OtaError("serial/app-running", message, { port }, { hint });
}

function unreadable(port: string): OtaError<"serial/noise"> {
  const message = `what comes from ${port} is neither a loader's answer nor readable text`;
  const hint =
    "the app may log at another baud rate than 115200, or the line is noisy: check ground and cable, then try again";
  return new OtaError("serial/noise", message, { port }, { hint });
}

function isReadable(bytes: Uint8Array): boolean {
  const readable = bytes.filter((byte) => (byte >= 0x20 && byte < 0x7f) || [0x09, 0x0a, 0x0d, 0x1b].includes(byte));
  return readable.length >= READABLE_SHARE * bytes.length;
}
