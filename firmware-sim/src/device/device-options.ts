import type { ReceiverTiming } from "@tinybms/ota-core";
import type { Provisioning } from "@tinybms/ota-core/esp";
import type { SignatureVerifier, TrustedKeys } from "@tinybms/ota-core/signing";
import type { SelfTestRule } from "../agent/self-test.ts";
import type { BootloaderOptions } from "../boot/boot-options.ts";
import type { AppBuild } from "../esp-idf/app-context.ts";
import type { Fault } from "../fault/fault.ts";

/** How a device was built and provisioned. */
export interface DeviceOptions {
  /** Its name in topics: 1 to 64 characters of `[A-Za-z0-9._-]`, the first a letter or digit. */
  readonly id: string;
  /** The channel's `topic`; `tinybms/gateway/ota` without it. */
  readonly topicRoot?: string;
  /** `product.name` of the manifest; `TinyBMS Web Gateway` without it. */
  readonly product?: string;
  /** Takes unsigned offers, as long as it has no key set; true without it. */
  readonly allowUnsigned?: boolean;
  /** The key set it is provisioned with, as `readKeySet` reads it: of the device's product. */
  readonly keySet?: TrustedKeys | undefined;
  /**
   * What NVS in its flash says when it is made, as `provisioningInFlash` reads it: then the device reads at each start who it
   * is, and none of the above counts but {@link DeviceOptions.id} and {@link DeviceOptions.topicRoot}, which are its own.
   */
  readonly provisioning?: Provisioning;
  /** Says whether a signature is a key's; Node's crypto without it. */
  readonly verify?: SignatureVerifier | undefined;
  readonly bootloaderOptions?: BootloaderOptions;
  /** How its apps were built, where that differs from the bootloader. */
  readonly appBuild?: AppBuild;
  /** What becomes of the self-test, by image; it passes without a rule. */
  readonly selfTests?: readonly SelfTestRule[];
  /** How long the self-test takes, in milliseconds; 100 without it. */
  readonly selfTestMs?: number;
  /** Faults, of which those for this device count. */
  readonly faults?: readonly Fault[];
  /** Decides what the device draws at random; 1 without it. Devices of one seed and different names differ. */
  readonly seed?: number;
  readonly timing?: Partial<ReceiverTiming>;
  /** Chunks it has buffers for; 0, without it, takes what comes. */
  readonly window?: number;
}
