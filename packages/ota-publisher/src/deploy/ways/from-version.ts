import { OtaError } from "@tinybms/ota-core";
import { type LoadedRoot, loadVersion } from "@tinybms/ota-core/node";
import type { BrokerAddress } from "../../mqtt/broker-url.ts";
import type { MqttTarget } from "../../mqtt/mqtt-channel.ts";
import type { DeliveryTarget } from "../../offer-payload.ts";
import { releasesByImage } from "../../release-index.ts";
import { namedTarget } from "./named-devices.ts";

/** A version that devices must run to get the release. */
export interface FromVersion {
  readonly version: string;
  /** SHA-256 of its images. */
  readonly images: ReadonlySet<string>;
}

/**
 * Reads the images of a version.
 *
 * @returns `undefined` without a version.
 * @throws {@link OtaError} `manifest/…` if the release line has no such version.
 */
export async function readFromVersion(root: LoadedRoot, version: string | undefined): Promise<FromVersion | undefined> {
  if (version === undefined) return undefined;
  return { version, images: new Set(releasesByImage([await loadVersion(root, version)]).keys()) };
}

/**
 * Returns the devices of a target that run a version, as the reports say that the broker retains.
 *
 * @throws {@link OtaError} `delivery/no-device` if none does; `arguments/invalid` if they are too many;
 *   `delivery/broker-unreachable`, `delivery/broker-refused`; the signal's reason.
 */
export async function devicesThatRun(
  { version, images }: FromVersion,
  target: DeliveryTarget,
  channel: MqttTarget,
  options: { readonly broker: BrokerAddress; readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Extract<DeliveryTarget, { readonly devices: unknown }>> {
  // Loads MQTT here, because a dry run does not need it.
  const { openFleet } = await import("../../fleet/open-fleet.ts");
  const open = await openFleet(channel, options);
  try {
    await open.settle();
    const named = target === "all" ? undefined : new Set(target.devices);
    const devices = open.fleet
      .devices()
      .filter(({ report }) => images.has(report.runningSha256))
      .map(({ device }) => device)
      .filter((device) => named === undefined || named.has(device));
    if (devices.length > 0) return namedTarget(devices, "--from-version");
    const whom = named === undefined ? "no device" : "none of the named devices";
    const message = `${whom} reported to this broker that it runs version ${version}`;
    const hint = "tinybms-ota status shows what each device runs";
    throw new OtaError("delivery/no-device", message, { expected: [...(named ?? [])] }, { hint });
  } finally {
    await open.close();
  }
}
