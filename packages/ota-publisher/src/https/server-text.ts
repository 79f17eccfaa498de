/** What stands for a secret in anything that may be shown. */
const MASK = "***";

/** Characters of a server's text that are shown. */
const TEXT_LENGTH_MAX = 200;

/** A shorter one occurs in any text; masking it would destroy the text and tell the secret. */
const SECRET_LENGTH_MIN = 3;

/**
 * Makes text of a server fit to be shown: without the secrets that were sent to it and that it may repeat, without
 * control characters (a terminal would obey them), short.
 */
export class ServerText {
  readonly #secrets = new Set<string>();
  /** One of the secrets is too short to be told from other text, so that none can be shown. */
  #isMute = false;

  /** @param secrets - What must never be shown; empty ones are left out. */
  constructor(secrets: Iterable<string>) {
    for (const secret of secrets) this.hide(secret);
  }

  /** Adds a secret, in the forms in which a server may repeat it: as it is, decoded, encoded, and word by word. */
  hide(secret: string): void {
    const words = secret.split(/[\s,;=]+/);
    for (const form of [secret, decoded(secret), encodeURIComponent(secret), ...words].map(toOneLine)) {
      if (form.length >= SECRET_LENGTH_MIN) this.#secrets.add(form);
    }
    if (secret !== "" && toOneLine(secret).length < SECRET_LENGTH_MIN) this.#isMute = true;
  }

  /** The text as it may be shown; empty where nothing of it may. */
  show(text: string): string {
    if (this.#isMute) return "";
    // The longest first: another may be part of it. In any case, as the hexadecimal digits of %C3 may be in either.
    const ordered = [...this.#secrets].sort((a, b) => b.length - a.length);
    const masked = ordered.reduce((rest, secret) => rest.replace(patternOf(secret), MASK), toOneLine(text));
    return masked.length <= TEXT_LENGTH_MAX ? masked : `${masked.slice(0, TEXT_LENGTH_MAX)}…`;
  }
}

/**
 * The sentence with which a server explains an answer: `message` or `error` of a JSON object, the title of a page, the
 * first line of plain text.
 *
 * @param body - The answer's body, decoded.
 * @param contentType - Its media type.
 * @returns Not yet fit to be shown; empty where there is none.
 */
export function explanationIn(body: string, contentType: string): string {
  if (/html/i.test(contentType)) return unescaped(/<title>([^<]{1,500})<\/title>/i.exec(body)?.[1] ?? "");
  if (/json/i.test(contentType)) {
    const { message, error, detail } = jsonObjectOf(body) ?? {};
    return [message, error, detail].find((value) => typeof value === "string") ?? "";
  }
  return /^text\/plain/i.test(contentType) ? (body.trimStart().split(/[\r\n]/)[0] ?? "") : "";
}

/** The JSON object that a text is; `undefined` for any other text. */
export function jsonObjectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The members of a value that is an object; `undefined` for any other value. */
export function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}

/** Characters that a terminal would obey become spaces. */
function toOneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
}

function patternOf(text: string): RegExp {
  return new RegExp(text.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&"), "gi");
}

/** Text of a page with the characters that HTML must escape. */
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
