export type { CommandWorld, TextStream } from "@tinybms/cli-kit/output";
export { runCli } from "./cli/run-cli.ts";
export { type ImageFile, openImage } from "./image-file.ts";
export { type BrokerAddress, displayBroker, parseBrokerUrl, redactUrl } from "./mqtt/broker-url.ts";
export type { ConnectionOptions } from "./mqtt/connect.ts";
export {
  BrokerConnection,
  type BrokerMessage,
  type ConnectionEvents,
  connectBroker,
} from "./mqtt/connection.ts";
export { type DeliveryPlan, type DeliveryWatch, deliverOverMqtt } from "./mqtt/deliver.ts";
export {
  buildOfferPayload,
  type DeliveryTarget,
  type OfferParts,
  offerTopicsOf,
  releasedImageOf,
  unsignedRelease,
} from "./offer.ts";
export { nextCounter, type OfferCounter, readCounter, sequenceFileOf, takeCounter } from "./sequence.ts";
export type { StoredKeySet } from "./signing/key-store.ts";
export { type OfferSigning, sealOffer, UNSIGNED } from "./signing/offer-signing.ts";
