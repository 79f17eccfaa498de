import { type ChannelSecret, isLoopbackHost, OtaError } from "@tinybms/ota-core";

/** Protection of a connection to a server, and the credentials on it. */
export interface Exposure {
  readonly channel: "https" | "mqtt";
  /** Scheme of the URL, such as `mqtt`. */
  readonly scheme: string;
  readonly host: string;
  readonly isEncrypted: boolean;
  /** Setting that turns off the certificate check, if it is set. */
  readonly uncheckedBy: "insecure: true" | "verify: false" | undefined;
  readonly secrets: readonly Pick<ChannelSecret, "kind">[];
}

/**
 * Checks that a connection does not expose credentials to a listener or an impostor, unless the user allows it on the
 * command line: a manifest, which another person may have written, can't lower the protection. Connections to this
 * machine are exempt.
 *
 * @param isAllowed - Value of `--allow-insecure`.
 * @returns Warnings, as sentences.
 * @throws {@link OtaError} `arguments/insecure`.
 */
export function assertNotExposed(
  { channel, scheme, host, isEncrypted, uncheckedBy, secrets }: Exposure,
  isAllowed: boolean,
): readonly string[] {
  const [secret] = secrets;
  const refuse = (what: string, hint: string): readonly string[] => {
    if (isAllowed) return [what];
    const how = `${hint}; --allow-insecure allows it`;
    throw new OtaError("arguments/insecure", `channel ${channel}: ${what}`, { channel, host }, { hint: how });
  };
  if (isEncrypted) {
    if (uncheckedBy === undefined) return [];
    const what = `${uncheckedBy} is set: the certificate of ${host} is not checked, so another server could receive what is sent`;
    return refuse(what, "set ca to the file of the issuer to trust");
  }
  if (secret === undefined || isLoopbackHost(host)) return [];
  return refuse(`${scheme}:// sends ${secret.kind} unencrypted to ${host}`, `${scheme}s:// encrypts it`);
}
