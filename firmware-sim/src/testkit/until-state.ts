import type { DeviceState } from "@tinybms/ota-core";
import type { DeviceConnection } from "../mqtt/connect-device.ts";

/** Options of {@link untilState}. */
export interface UntilOptions {
  /**
   * Timeout in milliseconds.
   *
   * @defaultValue 120000
   */
  readonly timeoutMs?: number;
}

/**
 * Waits until a running device is in a state.
 *
 * @throws Error with the device's actual state after the timeout.
 */
export async function untilState(
  connection: DeviceConnection,
  state: DeviceState,
  { timeoutMs = 120_000 }: UntilOptions = {},
): Promise<void> {
  const { device } = connection;
  const isThere = () => device.status === "running" && device.state === state;
  if (isThere()) return;
  await new Promise<void>((resolve, reject) => {
    const timeout = setTimeout(() => {
      unwatch();
      const found = `${device.status}, ${device.state ?? "never started"}`;
      reject(new Error(`${device.id} is not ${state} after ${timeoutMs} ms but ${found}`));
    }, timeoutMs);
    const unwatch = connection.watch(() => {
      if (!isThere()) return;
      clearTimeout(timeout);
      unwatch();
      resolve();
    });
  });
}
