/**
 * Characters that JSON allows in a string but that terminals, log viewers or editors interpret instead of showing: DEL
 * and the C1 controls (ECMA-48), the marks that reorder text (Unicode Bidi_Control), and the line breaks of JavaScript.
 */
const CONTROL_CHARACTERS = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Formats JSON for a terminal: the same document with control characters as escapes.
 *
 * @param indent - Number of spaces per level. @defaultValue No indentation; the result is one line.
 */
export function terminalJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, null, indent) ?? "null";
  // JSON is ASCII outside strings, so only strings change.
  return text.replace(CONTROL_CHARACTERS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
