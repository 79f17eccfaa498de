import { InvalidArgumentError, Option } from "commander";

/** Declares an option that may be given several times; its value is the list. */
export function repeatable(flags: string, description: string): Option {
  return new Option(flags, description).argParser((value: string, previous: readonly string[] = []) => [
    ...previous,
    value,
  ]);
}

/** Returns a parser for a repeatable option whose values are names from a list. */
export function oneOf(
  names: readonly string[],
): (value: string, previous: readonly string[] | undefined) => readonly string[] {
  return (value, previous = []) => {
    if (names.includes(value)) return [...previous, value];
    throw new InvalidArgumentError(`Allowed choices are ${names.join(", ")}.`);
  };
}

/** Parses a whole number of at most nine digits. @throws `InvalidArgumentError`, as all parsers here. */
export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number of at most nine digits.");
}

/** Parses a whole number from 1 to 1000000. */
export function positiveInteger(text: string): number {
  const value = Number(text);
  if (/^[0-9]+$/.test(text) && value > 0 && value <= 1_000_000) return value;
  throw new InvalidArgumentError("It must be a whole number from 1 to 1000000.");
}

/** Parses a number above 0, up to 1000000. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (/^[0-9]+(?:\.[0-9]+)?$/.test(text) && value > 0 && value <= 1_000_000) return value;
  throw new InvalidArgumentError("It must be a number above 0, up to 1000000.");
}

/** Parses a number of bytes: decimal or hexadecimal with 0x, with the suffixes `K`, `KB`, `M` and `MB` as in esptool. */
export function byteCount(text: string): number {
  const [, digits, suffix] = /^(\d+|0x[0-9a-f]+)(MB|M|KB|K)?$/i.exec(text) ?? [];
  const unit = suffix === undefined ? 1 : suffix.toUpperCase().startsWith("M") ? 0x10_0000 : 0x400;
  const size = Number(digits) * unit;
  if (size <= 0xffff_ffff) return size;
  throw new InvalidArgumentError("It must be a number of bytes such as 4096, 0x1000 or 4MB.");
}

/** Parses a baud rate from 9600 to 2000000. */
export function baudRate(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 9600 && value <= 2_000_000) return value;
  throw new InvalidArgumentError("It must be a baud rate from 9600 to 2000000.");
}
