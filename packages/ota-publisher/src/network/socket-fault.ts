/** Reason why a host can't be reached, with a hint. */
export interface SocketFault {
  readonly reason: string;
  /** Hint, as one sentence. */
  readonly hint: string;
}

/**
 * Explains a system error of a failed connection.
 *
 * @param code - `code` of the error, such as `ECONNREFUSED`.
 * @param setting - Setting with host and port, such as `url`.
 * @returns `undefined` for any other error.
 */
export function socketFaultOf(code: string, setting: string): SocketFault | undefined {
  const network = `check this machine's network, and the host of ${setting}`;
  switch (code) {
    case "ECONNREFUSED":
      return {
        reason: "nothing listens there",
        hint: `check that it is running, and check host and port of ${setting}`,
      };
    case "ENOTFOUND":
      return { reason: "the host name is unknown", hint: `check the host of ${setting}` };
    case "EAI_AGAIN":
      return { reason: "the name server does not answer", hint: "check this machine's network" };
    case "EHOSTUNREACH":
      return { reason: "there is no route to the host", hint: network };
    case "ENETUNREACH":
      return { reason: "there is no route to its network", hint: network };
    case "ETIMEDOUT":
      return {
        reason: "no answer",
        hint: `check host and port of ${setting}, and firewalls`,
      };
    default:
      return undefined;
  }
}
