/** What stands in place of a secret. */
const REDACTED = "***";

/** Secrets below this many characters are blanked only where they stand as a word: they may be part of any other. */
const WHOLE_WORD_LENGTH = 4;

/** Members and query parameters that hold a secret. */
const SECRET_NAME =
  /pass(?:word|wd|phrase)?$|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credential|^auth(?:orization)?$|cookie|bearer|^sig$|signature/i;

/** Members about a secret, which are none. */
const ABOUT_A_SECRET = /(?:url|uri|file|path|header|name|field|type|env|expires)$/i;

/** Request headers that hold a secret. */
const SECRET_HEADER = /auth|token|secret|pass|cookie|credential|key|session|signature/i;

/** Everything between the scheme and the last `@`: a password may hold what a URL should not. */
const USER_INFO = /([a-z][a-z0-9+.-]{1,31}:\/{1,2})([^\s"'<>]{0,4096})@/gi;
const QUERY_PARAMETER = /[?&]([^=&#\s]{1,256})=([^&#\s]{1,4096})/g;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;

/** Whether a text that stands under no secret name holds a secret nevertheless: one of a URL, or a private key. */
export function holdsSecret(text: string): boolean {
  return secretsIn(text, "", false).length > 0;
}

/**
 * Blanks secrets in text that is shown: the given ones, as they are and as URLs, JSON and the Basic scheme spell them,
 * and user information in URLs, whosever it is.
 *
 * @param secrets - Secrets, or what `secretsOf` found.
 * @returns A function from text to text.
 */
export function redactorOf(secrets: Iterable<{ readonly value: string } | string>): (text: string) => string {
  const spellings = new Set<string>();
  for (const secret of secrets) {
    for (const spelling of spellingsOf(typeof secret === "string" ? secret : secret.value)) spellings.add(spelling);
  }
  // The longest first: a secret may begin with another.
  const patterns = [...spellings].sort((left, right) => right.length - left.length).map(patternOf);
  return (text) =>
    redactUserInfo(patterns.reduce<string>((blanked, pattern) => blanked.replaceAll(pattern, REDACTED), text));
}

/** The text with user information in URLs blanked. */
export function redactUserInfo(text: string): string {
  return text.replace(USER_INFO, `$1${REDACTED}@`);
}

/**
 * Finds the secrets in one value of a channel.
 *
 * @param name - Name of the member or header.
 * @returns What must not be shown, and what it is, to stand after "holds".
 */
export function secretsIn(text: string, name: string, isHeader: boolean): { secret: string; kind: string }[] {
  if (text === "") return [];
  if (isHeader && SECRET_HEADER.test(name)) return [{ secret: text, kind: `the credential of header ${name}` }];
  if (SECRET_NAME.test(name) && !ABOUT_A_SECRET.test(name)) {
    return [{ secret: text, kind: /pass/i.test(name) ? "a password" : "a credential" }];
  }
  if (PRIVATE_KEY.test(text)) return [{ secret: text, kind: "a private key" }];
  const found: { secret: string; kind: string }[] = [];
  for (const [, , userInfo = ""] of text.matchAll(USER_INFO)) {
    // Of `user:$PASSWORD` the name alone is literal, and no secret.
    const colon = userInfo.indexOf(":");
    const password = userInfo.slice(colon + 1);
    if (password !== "") found.push({ secret: password, kind: "user information in its URL" });
  }
  for (const [, parameter = "", value = ""] of text.matchAll(QUERY_PARAMETER)) {
    const isSecret = SECRET_NAME.test(parameter) && !ABOUT_A_SECRET.test(parameter);
    if (isSecret) found.push({ secret: value, kind: "a token in its URL" });
  }
  return found;
}

/** A secret as it may come out of other programs' messages. */
function spellingsOf(secret: string): string[] {
  const authorization = /^(?:basic|bearer|digest|token|apikey)\s+(\S.*)$/is.exec(secret)?.[1];
  const spellings = [secret, ...(authorization === undefined ? [] : [authorization])];
  const credentials = authorization === undefined ? undefined : decodeBase64(authorization);
  if (credentials?.includes(":") === true) {
    spellings.push(credentials, credentials.slice(credentials.indexOf(":") + 1));
  }
  const encoded = spellings.flatMap((text) => [JSON.stringify(text).slice(1, -1), encodeUri(text), decodeUri(text)]);
  return [...spellings, ...encoded].map((text) => text.trim()).filter((text) => text.length > 1);
}

/** What to look for: a regular expression only for short texts, for its size has a limit. */
function patternOf(text: string): string | RegExp {
  if (text.length >= WHOLE_WORD_LENGTH) return text;
  const escaped = text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  return new RegExp(`(?<![\\p{L}\\p{N}])${escaped}(?![\\p{L}\\p{N}])`, "gu");
}

function encodeUri(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    return text;
  }
}

function decodeUri(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function decodeBase64(text: string): string | undefined {
  try {
    return atob(text);
  } catch {
    return undefined;
  }
}
