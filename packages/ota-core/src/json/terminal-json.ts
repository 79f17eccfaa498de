/**
 * Characters that JSON allows in a string, and that a terminal, a log viewer or a reviewer's editor obeys instead of
 * showing: DEL and the C1 controls (ECMA-48), the marks that reorder text (Unicode Bidi_Control), and the line breaks of
 * JavaScript.
 */
const OBEYED = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Writes JSON that may be shown on a terminal. It is the same document: what would be obeyed stands as an escape.
 *
 * @param indent - Spaces for each level; one line without.
 */
export function terminalJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, null, indent) ?? "null";
  // Outside strings JSON is ASCII, so that only strings change.
  return text.replace(OBEYED, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
