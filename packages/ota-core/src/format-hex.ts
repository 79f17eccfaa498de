/**
 * Formats a whole number in hexadecimal with the prefix `0x`, as `-0x…` below zero.
 *
 * @param digits - Minimum number of digits.
 */
export function formatHex(value: number, digits = 1): string {
  return `${value < 0 ? "-" : ""}0x${Math.abs(value).toString(16).padStart(digits, "0")}`;
}
