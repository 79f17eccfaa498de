import { OtaError } from "@tinybms/ota-core";

/** What is known of a line on which no loader answered. */
export interface DeafLine {
  readonly port: string;
  /** Whether resets were tried. */
  readonly hasSignals: boolean;
  /** What came instead of answers. */
  readonly heard: Uint8Array;
}

/** Share of a text that must be readable for it to be one. */
const READABLE_SHARE = 0.8;

/** Why no loader answered, as far as what was heard instead tells. */
export function connectFault({ port, hasSignals, heard }: DeafLine): OtaError {
  const text = new TextDecoder("latin1").decode(heard);
  const bootModes = [...text.matchAll(/boot:0x([0-9a-f]+)/gi)];
  const bootMode = bootModes.at(-1)?.[1];
  if (/brownout|BROWN_OUT/i.test(text)) return brownOut(port);
  if (/waiting for download/i.test(text)) return hasLeftLoader(text) ? linesSwapped(port) : loaderDeaf(port);
  if (bootMode !== undefined) return wrongBootMode(port, Number.parseInt(bootMode, 16));
  if (heard.length === 0) return nothingReceived(port, hasSignals);
  return isReadable(heard) ? appRunning(port, hasSignals) : unreadable(port);
}

/** Creates the error for a power supply that fails under load. */
export function brownOut(port: string): OtaError<"serial/brown-out"> {
  const message = `the board on ${port} restarts because its supply breaks down (brownout)`;
  const hint = "use another USB port or cable, or an external supply; the 3.3 V of an FTDI adapter can't feed a board";
  return new OtaError("serial/brown-out", message, { port }, { hint });
}

function loaderDeaf(port: string): OtaError<"serial/loader-deaf"> {
  const message = `the board on ${port} waits for a download, and does not hear us`;
  const hint = "check the line from the adapter's TX to the board's RX; nothing else may drive that pin";
  return new OtaError("serial/loader-deaf", message, { port }, { hint });
}

/**
 * Returns whether a board that waited for a download was reset into its app again, as by a sequence on the wrong lines.
 */
function hasLeftLoader(text: string): boolean {
  return /FLASH_BOOT/.test(text.slice(text.search(/waiting for download/i)));
}

/** The usual sequence with DTR and RTS exchanged, as `--reset-sequence` takes it. */
const SWAPPED_RESET = "R0|D1|W0.1|R1|D0|W0.05|R0";

function linesSwapped(port: string): OtaError<"serial/loader-deaf"> {
  const message = `the board on ${port} was in its loader and came out of it before it could be called`;
  const hint = `probably DTR and RTS are swapped: exchange their wires, or try --reset-sequence "${SWAPPED_RESET}"`;
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
    ? "is it the right port, is the cable more than a charging cable, and is the board powered? Without auto-reset hold BOOT and press EN"
    : "this port can't reset the board: hold its BOOT button, press EN, and try again";
  return new OtaError("serial/nothing-received", message, { port }, { hint });
}

function appRunning(port: string, hasSignals: boolean): OtaError<"serial/app-running"> {
  const message = `the board on ${port} goes on printing its app's log: no reset reached it`;
  const hint = hasSignals
    ? "it has no auto-reset, or RTS is not wired to EN: hold BOOT, press EN, and try again"
    : "this port can't reset the board: hold BOOT, press EN, and try again";
  return new OtaError("serial/app-running", message, { port }, { hint });
}

function unreadable(port: string): OtaError<"serial/noise"> {
  const message = `what comes from ${port} is neither a loader's answer nor readable text`;
  const hint =
    "the app may log at another rate than 115200, or the line is noisy: check ground and cable, then try again";
  return new OtaError("serial/noise", message, { port }, { hint });
}

function isReadable(bytes: Uint8Array): boolean {
  const readable = bytes.filter((byte) => (byte >= 0x20 && byte < 0x7f) || [0x09, 0x0a, 0x0d, 0x1b].includes(byte));
  return readable.length >= READABLE_SHARE * bytes.length;
}
