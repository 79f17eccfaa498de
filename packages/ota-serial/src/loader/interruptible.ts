import type { SerialLine } from "../line/serial-line.ts";

/**
 * Wraps a line so that every operation rejects with the signal's reason once the signal is aborted. The original line
 * stays open, so that the board can still be reset.
 */
export function interruptible(line: SerialLine, signal: AbortSignal | undefined): SerialLine {
  if (signal === undefined) return line;
  const step = async <T>(run: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    const result = await run();
    signal.throwIfAborted();
    return result;
  };
  return {
    port: line.port,
    usb: line.usb,
    hasSignals: line.hasSignals,
    canSetSignalsTogether: line.canSetSignalsTogether,
    hasBaudRate: line.hasBaudRate,
    write: (bytes) => step(() => line.write(bytes)),
    read: (timeoutMs) => step(() => line.read(timeoutMs)),
    setSignals: (signals) => step(() => line.setSignals(signals)),
    setBaudRate: (baudRate) => step(() => line.setBaudRate(baudRate)),
    wait: (ms) => step(() => line.wait(ms)),
    now: () => line.now(),
    close: () => line.close(),
  };
}
