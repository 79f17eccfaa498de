/** Replacement for secrets in shown text. */
const MASK = "***";

/** Longest text of a server to show, in characters. */
const TEXT_LENGTH_MAX = 200;

/** Shortest secret to mask, in characters. Masking shorter ones would garble the text and reveal the secret. */
const SECRET_LENGTH_MIN = 3;

/**
 * Sanitizes text from a server: masks secrets that the server may repeat, removes control characters and truncates the
 * text.
 */
export class ServerText {
  readonly #secrets = new Set<string>();
  /** `true` if a secret is too short to be masked, so that no text may be shown. */
  #isMute = false;

  /** @param secrets - Texts that must never be shown. Empty ones are ignored. */
  constructor(secrets: Iterable<string>) {
    for (const secret of secrets) this.hide(secret);
  }

  /** Adds a secret in all forms in which a server may repeat it: unchanged, decoded, encoded, and word by word. */
  hide(secret: string): void {
    const words = secret.split(/[\s,;=]+/);
    for (const form of [secret, decoded(secret), encodeURIComponent(secret), ...words].map(toOneLine)) {
      if (form.length >= SECRET_LENGTH_MIN) this.#secrets.add(form);
    }
    if (secret !== "" && toOneLine(secret).length < SECRET_LENGTH_MIN) this.#isMute = true;
  }

  /** Returns sanitized text; empty if none may be shown. */
  show(text: string): string {
    if (this.#isMute) return "";
    // Longest first, because one secret may contain another. Ignore case, because the digits in %C3 may be in either.
    const ordered = [...this.#secrets].sort((a, b) => b.length - a.length);
    const masked = ordered.reduce((rest, secret) => rest.replace(patternOf(secret), MASK), toOneLine(text));
    return masked.length <= TEXT_LENGTH_MAX ? masked : `${masked.slice(0, TEXT_LENGTH_MAX)}…`;
  }
}

/**
 * Extracts a server's explanation from an answer: `message` or `error` of a JSON object, the title of a page, or the
 * first line of plain text.
 *
 * @param body - Decoded body of the answer.
 * @param contentType - Media type of the body.
 * @returns Text that is not yet sanitized; empty if there is none.
 */
export function explanationIn(body: string, contentType: string): string {
  if (/html/i.test(contentType)) return unescaped(/<title>([^<]{1,500})<\/title>/i.exec(body)?.[1] ?? "");
  if (/json/i.test(contentType)) {
    const { message, error, detail } = jsonObjectOf(body) ?? {};
    return [message, error, detail].find((value) => typeof value === "string") ?? "";
  }
  return /^text\/plain/i.test(contentType) ? (body.trimStart().split(/[\r\n]/)[0] ?? "") : "";
}

/** Parses a JSON object. Returns `undefined` for any other text. */
export function jsonObjectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Returns the members of an object; `undefined` for any other value. */
export function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}

/** Replaces control characters and line ends with spaces. */
function toOneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
}

function patternOf(text: string): RegExp {
  return new RegExp(text.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&"), "gi");
}

/** Decodes the HTML entities of escaped characters. */
function unescaped(html: string): string {
  const characters: Readonly<Record<string, string>> = {
    lt: "<",
    gt: ">",
    quot: '"',
    "#39": "'",
    "#x27": "'",
    amp: "&",
  };
  return html.replace(/&(lt|gt|quot|#39|#x27|amp);/gi, (_, name: string) => characters[name.toLowerCase()] ?? "");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
