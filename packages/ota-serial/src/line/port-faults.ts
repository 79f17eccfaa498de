import { OtaError } from "@tinybms/ota-core";

/** The adapter or the board is gone, or the other end of a network port. */
export function portLost(port: string, cause?: unknown): OtaError<"serial/port-lost"> {
  const message = `${port} was lost: the cable or the adapter was unplugged, or the board lost its power`;
  const hint = "plug it in again and repeat the command; what was written and verified is not written again";
  return new OtaError("serial/port-lost", message, { port }, { cause, hint });
}

/** The port can't be opened because somebody else has it. */
export function portBusy(port: string, cause?: unknown): OtaError<"serial/port-busy"> {
  const hint = "close the monitor or the other program that has it open; on Linux ModemManager may be probing it";
  return new OtaError("serial/port-busy", `${port} is in use by another program`, { port }, { cause, hint });
}

/** The user may not open the port. */
export function permissionDenied(port: string, cause?: unknown): OtaError<"serial/permission-denied"> {
  const hint =
    "on Linux add yourself to the group that owns it, usually dialout or uucp (sudo usermod -aG dialout $USER), and log in again";
  return new OtaError("serial/permission-denied", `you have no permission to open ${port}`, { port }, { cause, hint });
}

/** There is no such port. */
export function portNotFound(port: string, cause?: unknown): OtaError<"serial/port-not-found"> {
  const hint = "flash --list shows what is there; a charge-only cable shows nothing";
  return new OtaError("serial/port-not-found", `there is no port ${port}`, { port }, { cause, hint });
}

/** The port is there and can't be used, for a reason that only the system knows. */
export function portUnusable(port: string, reason: string, cause?: unknown): OtaError<"serial/port-unusable"> {
  return new OtaError("serial/port-unusable", `${port} can't be used: ${reason}`, { port }, { cause });
}
