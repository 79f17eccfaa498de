import type { DeviceState } from "@tinybms/ota-core";
import type { DeviceConnection } from "../mqtt/connect-device.ts";

/** How to wait. */
export interface UntilOptions {
  /** In milliseconds; 120 000 without it. */
  readonly timeoutMs?: number;
}

/**
 * Waits until a device that runs is in a state.
 *
 * @throws Error saying the state it was in instead, when the time is over.
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
