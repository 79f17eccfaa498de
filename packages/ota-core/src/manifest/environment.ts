import { OtaError } from "../errors.ts";
import { pointerSegment } from "../json/strict-json.ts";
import type { Channels } from "../schemas/types.generated.ts";

/** Environment variables by name, like `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A reference to an unset variable without a default. */
export interface UnsetVariable {
  readonly name: string;
  /** JSON pointer (RFC 6901) into the channels, for example `/mqtt/password`. */
  readonly pointer: string;
}

/** Result of {@link expandEnvironment}. It contains secrets. */
export interface ExpandedChannels {
  readonly channels: Channels;
  /** Unset variables in the order of their references, which are left in the text. */
  readonly unset: readonly UnsetVariable[];
  /** JSON pointers of values with a `${` that does not begin a reference. */
  readonly malformed: readonly string[];
}

/**
 * Matches a reference to a variable, `$$`, or a malformed `${`. Its groups are the name in `$NAME`, the name in
 * `${NAME}` and the default in `${NAME:-default}`. A default contains neither `$` nor `}`.
 */
const REFERENCE = /\$\$|\$([A-Za-z_]\w*)|\$\{([A-Za-z_]\w*)(?::-([^$}]*))?\}|\$\{/g;

/**
 * Expands references to environment variables in channels: `$NAME`, `${NAME}` and `${NAME:-default}`. As in a shell,
 * the default applies if the variable is unset or empty. `$$` is a dollar sign, and so is a dollar sign before any
 * other character.
 *
 * Expands strings at any depth, such as those in `headers`, but not member names. Does not expand references inside a
 * variable's value.
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
 * Expands the channels of a delivery like {@link expandEnvironment}, and requires every variable to be set.
 *
 * @param file - The manifest with these channels, for messages.
 * @throws {@link OtaError} `manifest/variable-unset` with the names of all unset variables.
 * @throws {@link OtaError} `manifest/channel-invalid` if a `${` does not begin a reference.
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

/** Returns `true` if a text contains a reference to a variable. */
export function holdsReference(text: string): boolean {
  for (const [, plain, braced] of text.matchAll(REFERENCE))
    if (plain !== undefined || braced !== undefined) return true;
  return false;
}

/** Returns the non-empty defaults in a text's references. */
export function defaultsIn(text: string): string[] {
  return [...text.matchAll(REFERENCE)].map(([, , , fallback]) => fallback ?? "").filter((fallback) => fallback !== "");
}

/** Explanation for the values in {@link ExpandedChannels.malformed}. */
export const MALFORMED = `a variable is written $NAME, \${NAME} or \${NAME:-default}, and a dollar sign itself $$`;
