/** Why a host can't be reached, and what to do about it. */
export interface SocketFault {
  readonly reason: string;
  /** One sentence. */
  readonly hint: string;
}

/**
 * Explains an error of the system about a connection that was not made.
 *
 * @param code - The error's `code`, for example `ECONNREFUSED`.
 * @param setting - Name of the setting that names host and port, for example `url`.
 * @returns `undefined` for any other error.
 */
export function socketFaultOf(code: string, setting: string): SocketFault | undefined {
  const network = `check this machine's network, and the host of ${setting}`;
  switch (code) {
    case "ECONNREFUSED":
      return { reason: "nothing listens there", hint: `is it running, and are host and port of ${setting} right?` };
    case "ENOTFOUND":
      return { reason: "there is no host of that name", hint: `check the host of ${setting}` };
    case "EAI_AGAIN":
      return { reason: "the name server does not answer", hint: "check this machine's network" };
    case "EHOSTUNREACH":
      return { reason: "no way leads to the host", hint: network };
    case "ENETUNREACH":
      return { reason: "no way leads to its network", hint: network };
    case "ETIMEDOUT":
      return {
        reason: "no answer",
        hint: `are host and port of ${setting} right, and does no firewall stand between?`,
      };
    default:
      return undefined;
  }
}
