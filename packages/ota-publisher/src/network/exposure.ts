import { type ChannelSecret, isLoopbackHost, OtaError } from "@tinybms/ota-core";

/** How far a way to a server is protected, and what goes over it. */
export interface Exposure {
  readonly channel: "https" | "mqtt";
  /** Of the URL, for example `mqtt`. */
  readonly scheme: string;
  readonly host: string;
  readonly isEncrypted: boolean;
  /** The channel's switch by which no certificate is checked, if it is set. */
  readonly uncheckedBy: "insecure: true" | "verify: false" | undefined;
  readonly secrets: readonly Pick<ChannelSecret, "kind">[];
}

/**
 * Refuses what would tell a credential to whoever listens or answers in the server's place, unless the user takes that
 * upon themselves: a file alone, which somebody else may have written, lowers no protection.
 *
 * On this machine nobody listens who couldn't read the credential anyway.
 *
 * @param isAllowed - `--allow-insecure`.
 * @returns What the user should know, as sentences.
 * @throws OtaError `arguments/insecure`.
 */
export function refuseExposure(
  { channel, scheme, host, isEncrypted, uncheckedBy, secrets }: Exposure,
  isAllowed: boolean,
): readonly string[] {
  const [secret] = secrets;
  const refuse = (what: string, hint: string): readonly string[] => {
    if (isAllowed) return [what];
    const how = `${hint}; --allow-insecure does it nevertheless`;
    throw new OtaError("arguments/insecure", `channel ${channel}: ${what}`, { channel, host }, { hint: how });
  };
  if (isEncrypted) {
    if (uncheckedBy === undefined) return [];
    const what = `${uncheckedBy} is set: whoever answers for ${host} is believed, and gets what we send`;
    return refuse(what, "ca names the file of the issuer to trust");
  }
  if (secret === undefined || isLoopbackHost(host)) return [];
  return refuse(`${scheme}:// sends ${secret.kind} in the clear to ${host}`, `${scheme}s:// encrypts it`);
}
