// Generated from schemas/ by scripts/generate-schemas.ts. Change the schemas and run `pnpm generate`.
/** What a string that matches a pattern is, in words: the `$comment` beside the pattern in its schema. */
export const PATTERN_WORDS: Readonly<Record<string, string>> = {
  "^[0-9a-fA-F]{64}$": "the file's SHA-256 as 64 hexadecimal digits",
  "^(?:[0-9a-f][0-9a-f])+$": "1 to 32 bytes in lower-case hexadecimal",
  "^(?:[Mm][Qq][Tt][Tt][Ss]?|[Ww][Ss][Ss]?)://[^/]|\\$":
    "a broker URL that begins with mqtt://, mqtts://, ws:// or wss://",
  "^[^+#\\u0000]+$": "a topic to publish on: at least one character, without the wildcards + and #",
  "^[Hh][Tt][Tt][Pp][Ss]?://[^/]|\\$": "a URL that begins with https:// or http://",
  "^[A-Za-z]{1,20}$|\\$": "an HTTP method such as PUT or POST",
  "^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?$":
    "a date and time in ISO 8601, such as 2026-01-31T12:00:00Z",
  "^[A-Za-z0-9+/]*={0,2}$": "base64 (RFC 4648 section 4, with padding)",
  "^[0-9a-f]{32}$": "an image as 32 lower-case hexadecimal digits",
  "^[a-z0-9][a-z0-9-]*$": "the name of an encoding, such as identity",
  "^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,3})?Z$":
    "a date and time in UTC, such as 2026-01-31T12:00:00Z",
  "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$":
    "1 to 64 characters of A-Z, a-z, 0-9, dot, underscore and hyphen, the first a letter or digit",
  "^[0-9a-f]{64}$": "a SHA-256 as 64 lower-case hexadecimal digits",
  "^[A-Za-z0-9][A-Za-z0-9._-]*$": "1 to 64 of A-Z, a-z, 0-9, dot, underscore and hyphen, the first a letter or digit",
  "^(?:mqtts?|wss?)://[^/@][^@]*$":
    "a broker URL that begins with mqtt://, mqtts://, ws:// or wss:// and holds no user name",
  "^[^+#$\\u0000-\\u001f\\u007f-\\u009f][^+#\\u0000-\\u001f\\u007f-\\u009f]*$":
    "1 to 45 bytes without the wildcards + and #, control characters and a leading $",
  "^[^\\u0000]+$": "1 to 256 characters without NUL",
  "^-----BEGIN CERTIFICATE-----[^\\u0000]+$": "PEM that begins with -----BEGIN CERTIFICATE-----, of at most 3967 bytes",
  "^-----BEGIN [^\\u0000]+$": "PEM that begins with -----BEGIN, of at most 3967 bytes",
};
