import { InvalidArgumentError, Option } from "commander";

export function repeatable(flags: string, description: string): Option {
  return new Option(flags, description).argParser((value: string, previous: readonly string[] = []) => [
    ...previous,
    value,
  ]);
}

export function oneOf(
  names: readonly string[],
): (value: string, previous: readonly string[] | undefined) => readonly string[] {
  return (value, previous = []) => {
    if (names.includes(value)) return [...previous, value];
    throw new InvalidArgumentError(`Allowed choices are ${names.join(", ")}.`);
  };
}

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (/^[0-9]+$/.test(text) && value > 0 && value <= 1_000_000) return value;
  throw new InvalidArgumentError("It must be a whole number from 1 to 1000000.");
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (/^[0-9]+(?:\.[0-9]+)?$/.test(text) && value > 0 && value <= 1_000_000) return value;
  throw new InvalidArgumentError("It must be a number above 0, up to 1000000.");
}
