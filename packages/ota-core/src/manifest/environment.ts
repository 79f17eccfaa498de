import { OtaError } from "../errors.ts";
import { pointerSegment } from "../json/strict-json.ts";
import type { Channels } from "../schemas/types.generated.ts";

/** Environment variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable that a channel names, has no default for, and the environment doesn't have. */
export interface UnsetVariable {
  readonly name: string;
  /** JSON pointer (RFC 6901) into the channels: `/mqtt/password`. */
  readonly pointer: string;
}

/** Channels with the values of variables in place of their names. They hold secrets now. */
export interface ExpandedChannels {
  readonly channels: Channels;
  /** In the order in which they stand there. Their references are left as they were written. */
  readonly unset: readonly UnsetVariable[];
  /** JSON pointers of values with a `${` that begins no reference. */
  readonly malformed: readonly string[];
}

/**
 * A reference to a variable, `$$`, or a `${` that is none. The name of `$NAME` or `${NAME}` and the default of
 * `${NAME:-default}` are its groups. A default holds neither `$` nor `}`.
 */
const REFERENCE = /\$\$|\$([A-Za-z_]\w*)|\$\{([A-Za-z_]\w*)(?::-([^$}]*))?\}|\$\{/g;

/**
 * Puts the values of environment variables into channels: `$NAME`, `${NAME}`, and `${NAME:-default}`, whose default
 * stands in where the variable is unset or empty, as in a shell. `$$` is a dollar sign; a dollar sign before anything
 * else stands for itself.
 *
 * Strings at any depth are expanded, such as those in `headers`, but not the names of members. What a variable holds
 * is taken as it is.
 */
export function expandEnvironment(channels: Channels, env: Environment): ExpandedChannels {
  const unset: UnsetVariable[] = [];
  const malformed = new Set<string>();
  const expandText = (text: string, pointer: string): string =>
    text.replace(REFERENCE, (reference: string, plain?: string, braced?: string, fallback?: string) => {
      if (reference === "$$") return "$";
      const name = plain ?? braced;
      if (name === undefined) {
        malformed.add(pointer);
        return reference;
      }
      const value = Object.hasOwn(env, name) ? env[name] : undefined;
      if (fallback !== undefined) return value === undefined || value === "" ? fallback : value;
      if (value === undefined) unset.push({ name, pointer });
      return value ?? reference;
    });
  const expand = (value: unknown, pointer: string): unknown => {
    if (typeof value === "string") return expandText(value, pointer);
    if (Array.isArray(value)) return value.map((item, index) => expand(item, `${pointer}/${index}`));
    if (value === null || typeof value !== "object") return value;
    const members = Object.entries(value);
    return Object.fromEntries(
      members.map(([name, member]) => [name, expand(member, `${pointer}/${pointerSegment(name)}`)]),
    );
  };
  return { channels: expand(channels, "") as Channels, unset, malformed: [...malformed] };
}

/**
 * The channels as a delivery uses them: {@link expandEnvironment}, with every variable in place.
 *
 * @param file - The manifest that has the channels, for messages.
 * @throws {@link OtaError} `manifest/variable-unset` naming all that are unset, `manifest/channel-invalid` for a `${`
 *   that begins no reference.
 */
export function channelsFromEnvironment(channels: Channels, env: Environment, file: string): Channels {
  const { channels: expanded, unset, malformed } = expandEnvironment(channels, env);
  const [place] = malformed;
  if (place !== undefined) {
    const channel = place.split("/")[1] ?? "";
    throw new OtaError("manifest/channel-invalid", `${file}: channel ${place.slice(1)}: ${MALFORMED}`, {
      file,
      channel,
    });
  }
  const [first] = unset;
  if (first === undefined) return expanded;
  const variables = [...new Set(unset.map(({ name }) => name))];
  const places = [...new Set(unset.map(({ pointer }) => pointer.slice(1)))].join(", ");
  const [noun, verb, them] = variables.length === 1 ? ["variable", "is", "it"] : ["variables", "are", "them"];
  const message = `${file}: channel ${places}: the environment ${noun} ${variables.join(", ")} ${verb} unset`;
  const hint = `set ${them}, give a default with \${${first.name}:-…}, or write $$ for a dollar sign`;
  throw new OtaError("manifest/variable-unset", message, { file, variables }, { hint });
}

/** Whether a text refers to a variable, so that what it means is known only at delivery. */
export function holdsReference(text: string): boolean {
  for (const [, plain, braced] of text.matchAll(REFERENCE))
    if (plain !== undefined || braced !== undefined) return true;
  return false;
}

/** The defaults that stand in a text's references, those that are not empty. */
export function defaultsIn(text: string): string[] {
  return [...text.matchAll(REFERENCE)].map(([, , , fallback]) => fallback ?? "").filter((fallback) => fallback !== "");
}

/** What is wrong with a value that {@link ExpandedChannels.malformed} names. */
export const MALFORMED = `a variable is written $NAME, \${NAME} or \${NAME:-default}, and a dollar sign itself $$`;
