// Generated from schemas/ by scripts/generate-schemas.ts. Change the schemas and run `pnpm generate`.
/**
 * Settings of the ways to the devices, by name. Root manifest, version manifest and artifact may each hold some; member by member the artifact's stand above the version's, and those above the root's.
 */
export interface Channels {
  mqtt?: MqttChannel;
  https?: HttpsChannel;
  /**
   * A channel that another tool defines. It is kept, and not used by `tinybms-ota`.
   */
  [k: string]:
    | {
        [k: string]: unknown;
      }
    | MqttChannel
    | HttpsChannel
    | undefined;
}
/**
 * Delivery through an MQTT broker.
 */
export interface MqttChannel {
  /**
   * URL of the broker: mqtt://host (port 1883), mqtts://host (TLS, port 8883), ws://host or wss://host. `--broker` stands above it.
   */
  broker?: string;
  /**
   * Topic of the product. Chunked delivery uses the topics below it (`<topic>/v1/…`), blob mode the topic itself. Devices must be set to the same one.
   */
  topic?: string;
  /**
   * MQTT quality of service of the messages that carry the image: 0, 1 or 2. Without it 1.
   */
  qos?: 0 | 1 | 2;
  /**
   * Blob mode: whether the broker keeps the image for devices that connect later. Without it false.
   */
  retain?: boolean;
  /**
   * MQTT client identifier of the publisher. Without it `ota-<artifact>`.
   */
  client_id?: string;
  /**
   * MQTT keep-alive in seconds; 0 switches it off. Without it 60.
   */
  keepalive?: number;
  /**
   * User name for the broker.
   */
  username?: string;
  /**
   * Password for the broker. It would be public in a repository: better in the environment.
   */
  password?: string;
  /**
   * Skip the check of the broker's TLS certificate. For benches only. Without it false.
   */
  insecure?: boolean;
  /**
   * `chunked` (default): 4 KiB chunks that devices ask for, check and acknowledge. `blob`: the whole image as one message on `topic`, with no word from any device.
   */
  mode?: "chunked" | "blob";
  /**
   * Pace of chunked delivery in bytes per second; 0 means no limit. Without it 65536, about what an ESP32's flash takes.
   */
  rate?: number;
}
/**
 * Delivery to an HTTP endpoint: the image is the body of one request, and any 2xx answer is success.
 */
export interface HttpsChannel {
  /**
   * Where the image is sent.
   */
  url?: string;
  /**
   * HTTP method. Without it PUT.
   */
  method?: string;
  /**
   * Headers of the request, above the default `Content-Type: application/octet-stream`. A secret here would be public in a repository.
   */
  headers?: {
    [k: string]: string;
  };
  /**
   * Seconds without an answer after which the request has failed. Without it 30.
   */
  timeout?: number;
  /**
   * Whether the server's TLS certificate is checked. Without it true.
   */
  verify?: boolean;
}
/**
 * A product's release line: what the product is, how its devices are reached, and every version released. Usually `ota/manifest.json`. Members that this schema doesn't name are kept.
 */
export interface RootManifest {
  /**
   * Path or URL of this schema, for editors.
   */
  $schema?: string;
  /**
   * Version of this format: 1.
   */
  schema_version: 1;
  /**
   * Path or URL of the release line's documentation.
   */
  documentation?: string;
  product: Product;
  deployment?: Deployment;
  /**
   * The released versions, oldest first. `tinybms-ota package --update-manifest` adds to them. Empty in a new project.
   */
  versions: VersionEntry[];
}
/**
 * What the firmware is for.
 */
export interface Product {
  /**
   * Name of the product. Devices take only releases of their own product; it is also the default name of an artifact.
   */
  name?: string;
  /**
   * Chip that the firmware is for: esp32s2, esp32s3, esp32c3, esp32c6 … mean exactly that chip; esp32 means the whole family, any of them. Other text excludes nothing.
   */
  hardware?: string;
}
/**
 * How releases reach the devices, unless a version or an artifact says otherwise.
 */
export interface Deployment {
  channels?: Channels;
  /**
   * Channels over which an artifact goes when it names none, in this order. Without it mqtt, then https.
   */
  default_protocols?: string[];
}
/**
 * One released version.
 */
export interface VersionEntry {
  /**
   * The version, as `tinybms-ota deploy --version` names it. Unique in this list.
   */
  id: string;
  /**
   * Path of the version manifest, relative to this file's folder and below it.
   */
  manifest: string;
  /**
   * What people call this version.
   */
  label?: string;
}
/**
 * One released version: its files with their sizes and hashes. Usually `versions/<version>/ota.json`, written by `tinybms-ota package`. Members that this schema doesn't name are kept.
 */
export interface VersionManifest {
  /**
   * Path or URL of this schema, for editors.
   */
  $schema?: string;
  /**
   * The version; the same as `id` in the root manifest.
   */
  version: string;
  /**
   * When the version was packaged: ISO 8601, in UTC when we write it.
   */
  created_at?: string;
  /**
   * Folder of the artifacts, relative to this file's folder and below it. Without it this file's folder.
   */
  base_path?: string;
  channels?: Channels;
  /**
   * The files of this version, in the order in which they are delivered.
   */
  artifacts: Artifact[];
}
/**
 * One file of a version: an app image that devices install.
 */
export interface Artifact {
  /**
   * Name of the artifact, usually the project's.
   */
  name: string;
  /**
   * Path of the file, relative to `base_path` and below this file's folder.
   */
  filename: string;
  /**
   * Size of the file in bytes.
   */
  size: number;
  /**
   * SHA-256 of the file, 64 hexadecimal digits.
   */
  sha256: string;
  /**
   * Channels over which this file goes, in this order. Without it the root's `default_protocols`.
   */
  protocols?: string[];
  channels?: Channels;
}
