import type { ReceiverTiming } from "@tinybms/ota-core";
import type { Provisioning } from "@tinybms/ota-core/esp";
import type { SignatureVerifier, TrustedKeys } from "@tinybms/ota-core/signing";
import type { AgentImplementation } from "../agent/agent-receiver.ts";
import type { SelfTestRule } from "../agent/self-test.ts";
import type { BootloaderOptions } from "../boot/boot-options.ts";
import type { AppBuild } from "../esp-idf/app-context.ts";
import type { Fault } from "../fault/fault.ts";

/** Build and provisioning options of a device. */
export interface DeviceOptions {
  /** Device ID in topics: 1 to 64 characters of `[A-Za-z0-9._-]`, the first a letter or digit. */
  readonly id: string;
  /**
   * The channel's `topic`.
   *
   * @defaultValue `tinybms/gateway/ota`
   */
  readonly topicRoot?: string | undefined;
  /**
   * `product.name` of the manifest.
   *
   * @defaultValue `TinyBMS Web Gateway`
   */
  readonly product?: string | undefined;
  /**
   * Accepts unsigned offers as long as the device has no key set.
   *
   * @defaultValue `true`
   */
  readonly allowUnsigned?: boolean;
  /** Key set that the device is provisioned with, as `readKeySet` returns it: for the device's product. */
  readonly keySet?: TrustedKeys | undefined;
  /**
   * Provisioning data in the flash's NVS, as `provisioningInFlash` returns it. If given, the device reads its identity from
   * flash at each start, and the options above are ignored except {@link DeviceOptions.id} and
   * {@link DeviceOptions.topicRoot}, which must match.
   */
  readonly provisioning?: Provisioning;
  /** Verifies signatures; Node's crypto by default. */
  readonly verify?: SignatureVerifier | undefined;
  readonly bootloaderOptions?: BootloaderOptions;
  /** Build options of the apps that differ from the bootloader's. */
  readonly appBuild?: AppBuild;
  /** Results of the self-test, by image. Without a rule it passes. */
  readonly selfTests?: readonly SelfTestRule[];
  /**
   * Duration of the self-test, in milliseconds.
   *
   * @defaultValue 100
   */
  readonly selfTestMs?: number;
  /** Faults to inject. Those for other devices are ignored. */
  readonly faults?: readonly Fault[];
  /**
   * Decides the device's random choices. Devices with the same seed and different names differ.
   *
   * @defaultValue 1
   */
  readonly seed?: number;
  readonly timing?: Partial<ReceiverTiming>;
  /**
   * Number of chunks that the device can buffer; 0 means no limit.
   *
   * @defaultValue 0
   */
  readonly window?: number;
  /**
   * Implementation of the receiver: `ts` is ota-core's, `c` the device code in C, compiled to WebAssembly.
   *
   * @defaultValue `ts`
   */
  readonly agent?: AgentImplementation | undefined;
}
