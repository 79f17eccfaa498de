import { isOtaError } from "../errors.ts";

/** Returns what a parser makes of a message; `undefined` if it throws an `OtaError`. */
export function readMessage<T>(parse: (payload: Uint8Array) => T, payload: Uint8Array): T | undefined {
  try {
    return parse(payload);
  } catch (error) {
    if (isOtaError(error)) return undefined;
    throw error;
  }
}
