/** Replacement for a secret. */
const REDACTED = "***";

/** Shorter secrets, in characters, are redacted only as whole words: they occur inside ordinary words. */
const WHOLE_WORD_LENGTH = 4;

/** Names of members and query parameters that contain a secret. */
const SECRET_NAME =
  /pass(?:word|wd|phrase)?$|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credential|^auth(?:orization)?$|cookie|bearer|^sig$|signature/i;

/** Names of members that describe a secret but do not contain it. */
const ABOUT_A_SECRET = /(?:url|uri|file|path|header|name|field|type|env|expires)$/i;

/** Names of request headers that contain a secret. */
const SECRET_HEADER = /auth|token|secret|pass|cookie|credential|key|session|signature/i;

/** Everything between the scheme and the last `@`: people don't always escape a password. */
const USER_INFO = /([a-z][a-z0-9+.-]{1,31}:\/{1,2})([^\s"'<>]{0,4096})@/gi;
const QUERY_PARAMETER = /[?&]([^=&#\s]{1,256})=([^&#\s]{1,4096})/g;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;

/**
 * Returns `true` if a text contains a secret whatever its name is: user information or a token in a URL, or a private
 * key.
 */
export function holdsSecret(text: string): boolean {
  return secretsIn(text, "", false).length > 0;
}

/**
 * Creates a function that redacts secrets in text. It redacts the given secrets, also in the spellings of URLs, JSON
 * and the Basic scheme, and all user information in URLs.
 *
 * @param secrets - Secrets, or the result of `secretsOf`.
 * @returns A function from text to text.
 */
export function redactorOf(secrets: Iterable<{ readonly value: string } | string>): (text: string) => string {
  const spellings = new Set<string>();
  for (const secret of secrets) {
    for (const spelling of spellingsOf(typeof secret === "string" ? secret : secret.value)) spellings.add(spelling);
  }
  // Longest first: one secret may be a prefix of another.
  const patterns = [...spellings].sort((left, right) => right.length - left.length).map(patternOf);
  return (text) =>
    redactUserInfo(patterns.reduce<string>((blanked, pattern) => blanked.replaceAll(pattern, REDACTED), text));
}

/** Redacts user information in URLs. */
export function redactUserInfo(text: string): string {
  return text.replace(USER_INFO, `$1${REDACTED}@`);
}

/**
 * Finds the secrets in one value of a channel.
 *
 * @param text - The value.
 * @param name - Name of the member or header.
 * @param isHeader - `true` for a header of a request.
 * @returns Each secret, and a phrase for it to follow the word "holds".
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
    // In `user:$PASSWORD` only the user name is literal, and it is not a secret.
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

/** Returns the spellings in which other programs' messages may contain a secret. */
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

/**
 * Returns the search pattern for a text. Only short texts become regular expressions, because their size is limited.
 */
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
