import { pointerSegment } from "../json/strict-json.ts";
import type { Channels } from "../schemas/types.generated.ts";
import { secretsIn } from "../secret-text.ts";
import { defaultsIn, holdsReference } from "./environment.ts";

/** A credential in a channel. */
export interface ChannelSecret {
  /** JSON pointer (RFC 6901) into the channels, for example `/https/headers/Authorization`. */
  readonly pointer: string;
  /** The secret: the whole value, or a part of a URL. */
  readonly value: string;
  /** Its kind as a phrase to follow the word "holds", for example "a password". */
  readonly kind: string;
  /** Whether the manifest contains the secret itself, not only the name of an environment variable. */
  readonly isLiteral: boolean;
}

/**
 * Finds the credentials in channels: values of members and headers with a telling name, user information and tokens in
 * URLs, and private keys.
 *
 * @param channels - As in a manifest, or expanded, to find the values of variables.
 */
export function secretsOf(channels: Channels): ChannelSecret[] {
  const secrets: ChannelSecret[] = [];
  const visit = (value: unknown, pointer: string, name: string, isHeader: boolean): void => {
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) visit(item, `${pointer}/${index}`, name, isHeader);
    } else if (value !== null && typeof value === "object") {
      for (const [member, child] of Object.entries(value)) {
        visit(child, `${pointer}/${pointerSegment(member)}`, member, name.toLowerCase() === "headers");
      }
    } else if (typeof value === "string" || typeof value === "number") {
      for (const { secret, kind } of secretsIn(String(value), name, isHeader)) {
        const isLiteral = !holdsReference(secret) || defaultsIn(secret).length > 0;
        secrets.push({ pointer, value: secret, kind, isLiteral });
      }
    }
  };
  visit(channels, "", "", false);
  return secrets;
}
