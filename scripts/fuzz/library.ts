/** What the fuzzer bundles: every entry of ota-core that browsers can load, and the parsers that no entry exports. */
export * from "../../packages/ota-core/src/esp.ts";
export { createAppImageScanner } from "../../packages/ota-core/src/image/app-image-scanner.ts";
export * from "../../packages/ota-core/src/index.ts";
export * from "../../packages/ota-core/src/nvs/nvs-entry.ts";
export * from "../../packages/ota-core/src/nvs/nvs-page-header.ts";
export * from "../../packages/ota-core/src/serial/index.ts";
export * from "../../packages/ota-core/src/signing.ts";
