import { OtaError } from "@tinybms/ota-core";

/** Creates the error for a lost connection to the adapter, the board or a network port. */
export function portLost(port: string, cause?: unknown): OtaError<"serial/port-lost"> {
  const isNetwork = isNetworkPort(port);
  const what = isNetwork
    ? "the server that serves it ended the connection, or the network failed"
    : "the cable or the adapter was unplugged, or the board lost its power";
  const how = isNetwork ? "see that the server runs, and" : "reconnect it and";
  const hint = `${how} repeat the command; what was written and verified is not written again`;
  return new OtaError("serial/port-lost", `${port} was lost: ${what}`, { port }, { cause, hint });
}

/** Creates the error for a port that another process has opened. */
export function portBusy(port: string, cause?: unknown): OtaError<"serial/port-busy"> {
  const hint = isNetworkPort(port)
    ? "its server refused the connection, as it does while another client is connected: disconnect that client"
    : "close the monitor or the other program that has it open; on Linux ModemManager may be probing it";
  return new OtaError("serial/port-busy", `${port} is in use by another program`, { port }, { cause, hint });
}

/** Creates the error for a port that the user may not open. */
export function permissionDenied(port: string, cause?: unknown): OtaError<"serial/permission-denied"> {
  const hint =
    "on Linux add yourself to the group that owns it, usually dialout or uucp (sudo usermod -aG dialout $USER), and log in again";
  return new OtaError("serial/permission-denied", `you have no permission to open ${port}`, { port }, { cause, hint });
}

/** Creates the error for a port that does not exist. */
export function portNotFound(port: string, cause?: unknown): OtaError<"serial/port-not-found"> {
  const hint = "flash --list shows the ports; a board on a charge-only cable has none";
  return new OtaError("serial/port-not-found", `there is no port ${port}`, { port }, { cause, hint });
}

/** Creates the error for a network port without a server: the connection was refused, or the host name is unknown. */
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

/** Returns `true` if a port is reached over TCP. */
function isNetworkPort(port: string): boolean {
  return /^(?:socket|rfc2217):\/\//.test(port);
}
