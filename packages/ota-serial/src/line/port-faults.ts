import { OtaError } from "@tinybms/ota-core";

/** Creates the error for a lost connection to the adapter, the board or a network port. */
export function portLost(port: string, cause?: unknown): OtaError<"serial/port-lost"> {
  const isNetwork = isNetworkPort(port);
  const what = isNetwork
    ? "the server that serves it ended the connection, or the network failed"
    : "the cable or the adapter was unplugged, or the board lost its power";
  const how = isNetwork ? "see that the server runs, and" : "plug it in again and";
  const hint = `${how} repeat the command; what was written and verified is not written again`;
  return new OtaError("serial/port-lost", `${port} was lost: ${what}`, { port }, { cause, hint });
}

/** Creates the error for a port that another process has opened. */
export function portBusy(port: string, cause?: unknown): OtaError<"serial/port-busy"> {
  const hint = isNetworkPort(port)
    ? "its server turned us away, as it does while another client is connected: end that one"
    : "close the monitor or the other program that has it open; on Linux ModemManager may be probing it";
  return new OtaError("serial/port-busy", `${port} is in use by another program`, { port }, { cause, hint });
}

/** Creates the error for a port that the user may not open. */
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

/** Nothing serves a network port: the connection was refused, or no host has the name. */
export function portUnserved(
  port: string,
  cause: Error & { readonly code?: string | undefined },
): OtaError<"serial/port-not-found"> {
  const isRefused = cause.code === "ECONNREFUSED";
  const message = `there is no port ${port}: ${isRefused ? "nothing listens there" : "no host has that name"}`;
  const hint = isRefused
    ? "start what serves the port, such as tinybms-sim run --serial or esp_rfc2217_server, and check host and port"
    : "check the name of the host";
  return new OtaError("serial/port-not-found", message, { port }, { cause, hint });
}

/** Creates the error for an existing port that can't be used, with the system's reason. */
export function portUnusable(port: string, reason: string, cause?: unknown): OtaError<"serial/port-unusable"> {
  return new OtaError("serial/port-unusable", `${port} can't be used: ${reason}`, { port }, { cause });
}

/** Returns whether a port is behind TCP, with no cable of this machine to look at. */
function isNetworkPort(port: string): boolean {
  return /^(?:socket|rfc2217):\/\//.test(port);
}
