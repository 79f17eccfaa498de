import { OtaError } from "../errors.ts";

/**
 * Checks that a field is complete.
 *
 * @param what - Name of the field, for the message.
 * @throws {@link OtaError} `image/truncated`.
 */
export function assertNvsSize(bytes: Uint8Array, needed: number, what: string): void {
  if (bytes.length >= needed) return;
  const message = `the ${what} is ${bytes.length} bytes; it must be ${needed}`;
  throw new OtaError("image/truncated", message, { offset: 0, needed, actual: bytes.length });
}
