export type { CommandWorld, TextStream } from "@tinybms/cli-kit/output";
export { runCli } from "./cli/run-cli.ts";
export { type DeployProgress, type DeployReleaseOptions, deployRelease } from "./deploy/deploy-release.ts";
export type { DeployedArtifact, DeployedDevice, DeployResult } from "./deploy/deploy-result.ts";
export type { DeliveryPlace } from "./deploy/ways/way.ts";
export { type ImageFile, openImage } from "./image-file.ts";
export { type BrokerAddress, parseBrokerUrl } from "./mqtt/broker-url.ts";
export type { ConnectionOptions } from "./mqtt/connect.ts";
export { type DeliveryPlan, type DeliveryWatch, deliverOverMqtt } from "./mqtt/deliver-over-mqtt.ts";
export {
  buildOfferPayload,
  type DeliveryTarget,
  type OfferParts,
  releasedImageOf,
  unsignedRelease,
} from "./offer-payload.ts";
export { type OfferCounter, sequenceFileOf } from "./sequence.ts";
export type { StoredKeySet } from "./signing/key-store.ts";
export { type OfferSigning, UNSIGNED } from "./signing/offer-signing.ts";
