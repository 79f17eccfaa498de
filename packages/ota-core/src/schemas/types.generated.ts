// Generated from schemas/ by scripts/generate-schemas.ts. Change the schemas and run `pnpm generate`.
/**
 * A line of a rollout's journal, without the hash that chains it to the line before.
 */
export type JournalRecord =
  | RolloutBegin
  | StageOffer
  | DeviceEnd
  | StageSettled
  | RequestRecord
  | RolloutStopping
  | RolloutStopped
  | RolloutComplete;
/**
 * Milliseconds since 1970, in UTC.
 */
export type RecordTime = number;
/**
 * Index of a stage; -1 before the first.
 */
export type StageIndex = number;
/**
 * How a device ended: `already` ran the image before the rollout offered it, `unable` can't take it. Neither is in the rate.
 */
export type RolloutEnd = "confirmed" | "failed" | "already" | "unable";
/**
 * What somebody asks of a rollout while it runs.
 */
export type RolloutRequest = "continue" | "pause" | "withdraw";
/**
 * Why a rollout stopped before its last stage had settled: too many devices failed, somebody withdrew it, another offer took its place, or no device of a stage ended in time.
 */
export type RolloutStop = "failures" | "withdrawn" | "superseded" | "nobody";
/**
 * For whom the offer is: everybody, named devices, or a share of the fleet.
 */
export type OfferTarget = "all" | DevicesTarget | RolloutTarget;

/**
 * Document of `tinybms-ota deploy --json`, with one entry for each delivery.
 */
export interface DeployDocument {
  /**
   * The version that is delivered.
   */
  version: string;
  /**
   * Whether nothing was sent.
   */
  dryRun: boolean;
  /**
   * Artifacts in order, each over its protocols in order.
   */
  deliveries: DeployDocumentDelivery[];
  error?: CommandError;
}
/**
 * One artifact over one channel.
 */
export interface DeployDocumentDelivery {
  /**
   * Name of the artifact.
   */
  artifact: string;
  /**
   * The channel: mqtt, https or serial.
   */
  transport: string;
  /**
   * How the channel carries it: chunked or blob, body or multipart.
   */
  mode: string;
  /**
   * Destination: `all`, devices by name, or a URL without its secrets.
   */
  target: unknown;
  /**
   * Size of the file in bytes.
   */
  size: number;
  /**
   * SHA-256 of the file.
   */
  sha256: string;
  /**
   * Bytes that were sent of it, repetitions counted.
   */
  bytesSent: number;
  /**
   * Chunks that were sent, repetitions counted.
   */
  chunksSent: number;
  /**
   * How long it took, in milliseconds.
   */
  durationMs: number;
  /**
   * What kept the next chunk from leaving for the longest time: the rate, the broker or the devices. Absent if nothing did.
   */
  limitedBy?: "rate" | "broker" | "devices";
  /**
   * `planned` with `--dry-run`, or if the run ended earlier; `offered` with `--wait none`: the broker has the offer, and the command waited for no device.
   */
  outcome: "planned" | "delivered" | "offered" | "failed";
  /**
   * Last reports of devices.
   */
  devices: DeployDocumentDevice[];
  error?: CommandError;
}
/**
 * One device in a delivery.
 */
export interface DeployDocumentDevice {
  /**
   * Its name.
   */
  device: string;
  /**
   * Its last state; null before it was heard of.
   */
  state: string | null;
  /**
   * The version that it runs; null before it was heard of.
   */
  version: string | null;
  /**
   * The versions of the release line that contain the image that it runs; absent before it was heard of.
   */
  releases?: string[];
  /**
   * Why it could not take the image.
   */
  error?: {};
}
/**
 * One error.
 */
export interface CommandError {
  /**
   * Stable name of the error, its group before the slash; `unexpected` for a bug.
   */
  code: string;
  /**
   * One sentence: the fault and its place.
   */
  message: string;
  /**
   * The same for programs. Never a secret.
   */
  details: {};
  /**
   * What to do about it.
   */
  hint?: string;
}
/**
 * Document that a command prints with `--json` when it fails. The exit code is 2 for faults in arguments, a manifest or an input file, 130 after an interrupt, otherwise 1.
 */
export interface ErrorDocument {
  error: CommandError;
}
/**
 * Document of `tinybms-ota package --json`: the release, or with `--dry-run` the planned release.
 */
export interface PackageDocument {
  /**
   * Version of the release.
   */
  version: string;
  /**
   * Whether nothing was written.
   */
  dryRun: boolean;
  /**
   * Path of the root manifest.
   */
  manifest: string;
  /**
   * Path of the version manifest.
   */
  versionManifest: string;
  /**
   * Whether the root manifest was changed.
   */
  manifestUpdated: boolean;
  /**
   * The files of the release.
   */
  artifacts: PackageDocumentArtifact[];
  /**
   * Warnings, one sentence each.
   */
  warnings?: string[];
}
/**
 * One file of a release.
 */
export interface PackageDocumentArtifact {
  /**
   * Name of the artifact.
   */
  name: string;
  /**
   * File name, as the version manifest has it.
   */
  filename: string;
  /**
   * Path of the file.
   */
  path: string;
  /**
   * Size in bytes.
   */
  size: number;
  /**
   * SHA-256 of the file.
   */
  sha256: string;
  /**
   * Channels over which it goes, in this order.
   */
  protocols: string[];
  /**
   * App descriptor of the image; null for a file that is not an app image.
   */
  image: null | PackageDocumentImage;
}
/**
 * App descriptor of an image.
 */
export interface PackageDocumentImage {
  /**
   * The chip that it is for.
   */
  chip: string;
  /**
   * Project name of its app descriptor.
   */
  projectName: string;
  /**
   * Version of its app descriptor.
   */
  appVersion: string;
  /**
   * The ESP-IDF that it was built with.
   */
  idfVersion: string;
  /**
   * Secure version, for anti-rollback.
   */
  secureVersion: number;
}
/**
 * Document of `tinybms-ota provision --json`: the files of each device. It contains no secret.
 */
export interface ProvisionDocument {
  /**
   * The folder of `--out-dir`, in which all other names are; null with `--out`.
   */
  output: string | null;
  /**
   * Name of the list of devices and their settings; null with `--out`.
   */
  list: string | null;
  /**
   * Files of `--broker-acl`; null without that option.
   */
  broker: ProvisionedBroker | null;
  /**
   * In the order in which they were named.
   */
  devices: ProvisionedDevice[];
}
/**
 * Files for a broker.
 */
export interface ProvisionedBroker {
  /**
   * The password file, which contains only hashes.
   */
  passwords: string;
  /**
   * The access control file.
   */
  acl: string;
  /**
   * The file that holds the password of who publishes.
   */
  publisherPassword: string;
}
/**
 * Files of a device.
 */
export interface ProvisionedDevice {
  /**
   * Name of the device.
   */
  device: string;
  /**
   * Its NVS partition.
   */
  file: string;
  /**
   * Size of the partition in bytes.
   */
  size: number;
  /**
   * SHA-256 of the partition.
   */
  sha256: string;
  /**
   * With `--encrypt`: the partition with its keys.
   */
  keyFile?: string;
}
/**
 * Document of `tinybms-ota validate --json`: every fault of a release line.
 */
export interface ValidateDocument {
  /**
   * Whether no problem is an error. The exit code is 0 then, else 2.
   */
  valid: boolean;
  /**
   * Errors and warnings, in the order in which they were found.
   */
  problems: ValidationProblem[];
}
/**
 * One fault.
 */
export interface ValidationProblem {
  /**
   * Stable name of the fault.
   */
  code: string;
  /**
   * JSON pointer into the root manifest; for another file, its path as the root manifest names it, `#`, and the pointer.
   */
  path: string;
  /**
   * One sentence: what is wrong, and what would be right.
   */
  message: string;
  /**
   * `error` makes the release line invalid; `warning` doesn't.
   */
  severity: "error" | "warning";
  /**
   * The file that is to be changed.
   */
  file: string;
  /**
   * JSON pointer (RFC 6901) into that file; empty for the file as a whole.
   */
  pointer: string;
  /**
   * Line of the value, from 1.
   */
  line: number;
  /**
   * Column of the value, from 1, in UTF-16 units.
   */
  column: number;
}
export interface RolloutBegin {
  type: "rollout";
  at: RecordTime;
  subject: JournalSubject;
  plan: JournalPlan;
}
/**
 * The release that a rollout offers.
 */
export interface JournalSubject {
  /**
   * Product of the release line.
   */
  product: string;
  /**
   * Version of the release.
   */
  version: string;
  /**
   * Topic of the channel.
   */
  topic: string;
  /**
   * SHA-256 of the image.
   */
  image: string;
}
/**
 * How a rollout widens, and what stops it.
 */
export interface JournalPlan {
  /**
   * Share of the fleet in each stage, in thousandths: 1 to 1000, each larger than the one before.
   */
  stages: number[];
  /**
   * Salt of the share. Every stage has the same, so that a stage includes the former one.
   */
  salt: string;
  /**
   * The only devices that take part; absent: every device of the product.
   */
  devices?: string[];
  /**
   * Time between a settled stage and the next one, in milliseconds; until-continued ends the rollout there.
   */
  hold: number | "until-continued";
  /**
   * The rollout stops if more than this share of the ended devices failed, in thousandths.
   */
  abortPermille: number;
  /**
   * The rollout does not stop before so many devices failed.
   */
  abortMin: number;
  /**
   * Time after which a stage does not wait any longer, in milliseconds.
   */
  stageTimeoutMs: number;
  /**
   * What every offer of the rollout says of the restart, as members of an offer.
   */
  install?: {
    install_after?: string;
    between?: {
      start_minute: number;
      minutes: number;
      offset_minutes?: number;
    };
    restart_spread_ms?: number;
    probation_max_ms?: number;
    critical?: string[];
  };
}
/**
 * Written before the offer is published.
 */
export interface StageOffer {
  type: "offer";
  at: RecordTime;
  stage: StageIndex;
  offer: JournalOffer;
}
/**
 * An offer as it was signed: what a resumed rollout publishes again, byte for byte.
 */
export interface JournalOffer {
  /**
   * Id of the offer: 32 hexadecimal digits.
   */
  id: string;
  /**
   * Epoch and sequence.
   *
   * @minItems 2
   * @maxItems 2
   */
  counter: [number, number];
  /**
   * The envelopes, each with its topics. More than one topic if the rollout names its devices, and more than one envelope if their list is too long for one.
   */
  parts: {
    topics: string[];
    /**
     * In Base64.
     */
    envelope: string;
  }[];
}
export interface DeviceEnd {
  type: "ended";
  at: RecordTime;
  stage: StageIndex;
  device: string;
  end: RolloutEnd;
  /**
   * Code and message of the error that the device reported.
   */
  error?: {
    code: string;
    message: string;
  };
}
export interface StageSettled {
  type: "settled";
  at: RecordTime;
  stage: StageIndex;
  /**
   * Devices of the stages so far that have not ended.
   */
  open: string[];
}
export interface RequestRecord {
  type: "request";
  at: RecordTime;
  request: RolloutRequest;
}
/**
 * Written before the withdrawal is published.
 */
export interface RolloutStopping {
  type: "stopping";
  at: RecordTime;
  stage: StageIndex;
  reason: RolloutStop;
}
export interface RolloutStopped {
  type: "stopped";
  at: RecordTime;
  stage: StageIndex;
  reason: RolloutStop;
}
export interface RolloutComplete {
  type: "complete";
  at: RecordTime;
}
/**
 * How releases reach the devices, one member for each transport. Root manifest, version manifest and artifact may each have channels. They merge member by member: the artifact's override the version's, which override the root's. A member that is an object, such as `headers`, is replaced as a whole. Strings may name environment variables, which `tinybms-ota deploy` expands: `$NAME`, `${NAME}`, or `${NAME:-default}`, whose default applies if the variable is unset or empty; `$$` is a dollar sign.
 */
export interface Channels {
  mqtt?: MqttChannel;
  https?: HttpsChannel;
  /**
   * A channel of another tool, with any value. It is kept and not read.
   */
  [k: string]: unknown;
}
/**
 * Delivery through an MQTT broker.
 */
export interface MqttChannel {
  /**
   * URL of the broker: mqtt://host (port 1883), mqtts://host (TLS, port 8883), ws://host (port 80) or wss://host (TLS, port 443). `deploy --broker` overrides it. User name and password have their own members.
   */
  broker?: string;
  /**
   * Topic of the product. Chunked delivery uses the topics below it (`<topic>/v1/…`), so it may have at most 45 bytes; blob mode uses the topic itself, of at most 128 bytes. Devices must use the same topic.
   */
  topic?: string;
  /**
   * MQTT quality of service of the messages that carry the image: 0, 1 or 2. Default: 1.
   */
  qos?: 0 | 1 | 2;
  /**
   * Blob mode: whether the broker keeps the image for devices that connect later. Default: false.
   */
  retain?: boolean;
  /**
   * MQTT client identifier of the publisher. Default: `ota-<artifact>`, characters other than letters, digits and `._-` replaced by `-`, with a random suffix, so that two publishers do not end each other's connection.
   */
  client_id?: string;
  /**
   * MQTT keep-alive in seconds; 0 turns it off. Default: 60.
   */
  keepalive?: number;
  /**
   * User name for the broker.
   */
  username?: string;
  /**
   * Password for the broker. Everyone who can read this file can read a literal password, and `validate` warns of it: name an environment variable instead.
   */
  password?: string;
  /**
   * Accept any TLS certificate of the broker, so that an impostor receives user name and password. For benches only; requires `deploy --allow-insecure`. Default: false.
   */
  insecure?: boolean;
  /**
   * Path of a PEM file with the certificate authorities that may have signed the broker's certificate. Default: the system's authorities. Relative to the root manifest's folder, or absolute.
   */
  ca?: string;
  /**
   * Path of a PEM file with the client certificate, for brokers that request one. Requires `key`. Relative to the root manifest's folder, or absolute.
   */
  cert?: string;
  /**
   * Path of a PEM file with the private key of `cert`. Keep it outside the repository. Relative to the root manifest's folder, or absolute.
   */
  key?: string;
  /**
   * `chunked`: 4 KiB chunks that devices request, check and acknowledge. `blob`: the whole image as one message on `topic`, as the Python scripts sent it, without an answer from devices; many brokers refuse messages above 1 MiB. `deploy --mode` overrides it. Default: chunked.
   */
  mode?: "chunked" | "blob";
  /**
   * Pace of chunked delivery in bytes per second; 0 means no limit. Default: 65536, about the write speed of an ESP32's flash.
   */
  rate?: number;
}
/**
 * Delivery to an HTTP endpoint: one request carries the image, and any 2xx answer is success.
 */
export interface HttpsChannel {
  /**
   * Where the image is sent: https://…, or http:// for a device on the bench or in a private network. A token belongs in `headers`, not in the URL.
   */
  url?: string;
  /**
   * HTTP method. Default: PUT; in mode multipart, POST.
   */
  method?: string;
  /**
   * Headers of the request. They override the default `Content-Type: application/octet-stream`. Everyone who can read this file can read a literal credential, and `validate` warns of it: name an environment variable instead.
   */
  headers?: {
    [k: string]: string;
  };
  /**
   * Seconds without progress after which the request fails. Default: 30.
   */
  timeout?: number;
  /**
   * Whether the server's TLS certificate is checked. false is for benches only, and requires `deploy --allow-insecure`. Default: true.
   */
  verify?: boolean;
  /**
   * Path of a PEM file with the certificate authorities that may have signed the server's certificate. Default: the system's authorities. Relative to the root manifest's folder, or absolute.
   */
  ca?: string;
  /**
   * Path of a PEM file with the client certificate, for servers that request one. Requires `key`. Relative to the root manifest's folder, or absolute.
   */
  cert?: string;
  /**
   * Path of a PEM file with the private key of `cert`. Keep it outside the repository. Relative to the root manifest's folder, or absolute.
   */
  key?: string;
  /**
   * `body`: the image is the body of the request. `multipart`: it is the field `firmware` of a form, with the CSRF token that the TinyBMS gateway requires. Default: body.
   */
  mode?: "body" | "multipart";
}
/**
 * A product's release line: what the product is, how its devices are reached, and every version released. Usually `ota/manifest.json`. Members that this schema doesn't name are kept.
 */
export interface RootManifest {
  /**
   * Path or URL of this schema, for editors. Not read.
   */
  $schema?: unknown;
  /**
   * Version of this format: 1.
   */
  schema_version: 1;
  /**
   * Where the release line is documented, in any form. Not read.
   */
  documentation?: unknown;
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
   * Name of the product. Devices accept only releases of their own product; it is also the default name of an artifact.
   */
  name?: string;
  /**
   * Chip that the firmware is for: esp32s2, esp32s3, esp32c3, esp32c6 … mean exactly that chip; esp32 means any chip of the family. Other text excludes no chip.
   */
  hardware?: string;
}
/**
 * How releases reach the devices, unless a version or an artifact has its own channels.
 */
export interface Deployment {
  channels?: Channels;
  /**
   * Channels of artifacts that do not list their own, in order. Default: mqtt, then https.
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
   * What people call this version. `package --label` writes it; nothing reads it.
   */
  label?: unknown;
}
/**
 * One released version: its files with their sizes and hashes. Usually `versions/<version>/ota.json`, written by `tinybms-ota package`. Members that this schema doesn't name are kept.
 */
export interface VersionManifest {
  /**
   * Path or URL of this schema, for editors. Not read.
   */
  $schema?: unknown;
  /**
   * The version; the same as `id` in the root manifest.
   */
  version: string;
  /**
   * When the version was packaged: a date and time in ISO 8601. `package` writes UTC with a Z; Python's format (`2026-01-31T12:00:00.123456+00:00`) is read as well.
   */
  created_at?: string;
  /**
   * Folder of the artifacts, relative to this file's folder and below it. Default: this file's folder.
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
   * Channels for this file, in order. Default: the root's `default_protocols`.
   */
  protocols?: string[];
  channels?: Channels;
}
/**
 * Bytes with signatures over them. What is signed is `tinybms-ota/<kind>/v1`, a zero byte and the decoded payload, so nothing is written anew to be verified.
 */
export interface Envelope {
  /**
   * The signed JSON document, byte for byte, in base64.
   */
  payload: string;
  /**
   * Signatures, in any order. An empty list: unsigned.
   */
  signatures: EnvelopeSignature[];
}
/**
 * One signature over the payload.
 */
export interface EnvelopeSignature {
  /**
   * Which key to try first: the first 16 bytes of the SHA-256 of its DER SubjectPublicKeyInfo.
   */
  keyid: string;
  /**
   * Algorithm, for people who read the envelope. Verification goes by the trusted key's own record.
   */
  alg: string;
  /**
   * The signature, in base64: DER for ECDSA, the plain octets for RSA and Ed25519.
   */
  sig: string;
}
/**
 * The keys that a product's devices trust, and for what. Epoch 1 is provisioned; each next one is signed by a threshold of the root keys of the one before and of its own.
 */
export interface KeySet {
  /**
   * Version of this format.
   */
  keys: 1;
  /**
   * Name of the product, as in its releases.
   */
  product: string;
  /**
   * Number of this set; one more than that of the set before.
   */
  epoch: number;
  /**
   * When the set was made.
   */
  issued_at: string;
  /**
   * Keys that count no more, whatever `roles` says.
   *
   * Items: Id of a key.
   */
  revoked: string[];
  /**
   * Who may sign what.
   */
  roles: {
    root: KeyRole;
    release: KeyRole;
    offer: KeyRole;
  };
  /**
   * The keys, by their ids.
   */
  records: {
    [k: string]: KeyRecord;
  };
}
/**
 * The keys that may sign one kind of document, and how many must.
 */
export interface KeyRole {
  /**
   * Ids of the keys, each with a record.
   *
   * Items: Id of a key.
   */
  keyids: string[];
  /**
   * How many different keys must have signed.
   */
  threshold: number;
}
/**
 * A public key.
 */
export interface KeyRecord {
  /**
   * The one algorithm for which the key counts.
   */
  alg: "ecdsa-p256-sha256" | "rsa-pkcs1v15-sha256" | "ed25519";
  /**
   * DER SubjectPublicKeyInfo (RFC 5280 section 4.1), in base64.
   */
  spki: string;
}
/**
 * Who gets which release, from when on and how. Only the highest (epoch, sequence) counts.
 */
export interface Offer {
  /**
   * Version of this format.
   */
  offer: 1;
  /**
   * Name of this offer, 16 random bytes. Reports repeat it.
   */
  id: string;
  /**
   * Topic below which the offer was published. Signed, so that it can't be replayed on another product's.
   */
  topic_root: string;
  /**
   * Epoch of the key set under which it counts.
   */
  epoch: number;
  /**
   * Number of this offer within product and epoch; grows with every offer.
   */
  sequence: number;
  /**
   * When the offer was made.
   */
  issued_at: string;
  /**
   * When it ends. Without it, it stands until another takes its place.
   */
  expires_at?: string;
  /**
   * The release to install, in its own envelope; null withdraws what was offered before.
   */
  release: Envelope | null;
  /**
   * How chunks may come: `identity`, and `deflate` for raw DEFLATE (RFC 1951) of each chunk alone. Hashes are of the plain chunk.
   *
   * Items: An encoding.
   */
  chunk_encodings: string[];
  target: OfferTarget;
  constraints?: OfferConstraints;
  /**
   * Devices wait a random part of this time before their first request, in milliseconds. Without it 0.
   */
  spread_ms?: number;
  /**
   * How long the image has to prove itself after the reboot, in milliseconds. Without it the device's default, 60 000.
   */
  probation_ms?: number;
  /**
   * Longest probation of an image that has network and does not reach the broker, in milliseconds. Without it 900 000.
   */
  probation_max_ms?: number;
  /**
   * Devices wait a random part of this time before they restart into the image, in milliseconds. Without it 0.
   */
  restart_spread_ms?: number;
  /**
   * Devices that know the time download at once, and do not restart into the image before this time.
   */
  install_after?: string;
  between?: MaintenanceWindow;
  /**
   * Checks that devices shall skip because they have them wrong in the field.
   */
  waive?: ("chip-id" | "project-name" | "constraints")[];
  /**
   * Members and features without which the offer makes no sense. A device that lacks one rejects it.
   *
   * Items: Name of a member or feature.
   */
  critical?: string[];
}
/**
 * Devices by name.
 */
export interface DevicesTarget {
  /**
   * Names of the devices.
   *
   * Items: Name of a device.
   */
  devices: string[];
}
/**
 * A share of the fleet.
 */
export interface RolloutTarget {
  rollout: Rollout;
}
/**
 * Admits a device if `u32be(SHA-256(salt ‖ device)[0..4]) mod 1000 < permille`. A wider offer with the same salt keeps the devices already in.
 */
export interface Rollout {
  /**
   * Share of the fleet, in thousandths.
   */
  permille: number;
  /**
   * Which devices come first: the bytes that stand before the device's name, 1 to 32 of them in hexadecimal.
   */
  salt: string;
}
/**
 * What must hold on a device before it starts.
 */
export interface OfferConstraints {
  /**
   * Images from which the update may start, each as the first 16 bytes of its SHA-256.
   *
   * Items: An image: the first 16 bytes of its SHA-256, as in the topics.
   */
  from_images?: string[];
  /**
   * Lowest charge, in percent, on devices that know theirs.
   */
  min_battery_percent?: number;
}
/**
 * The time of every day at which devices that know the time may restart into the image.
 */
export interface MaintenanceWindow {
  /**
   * When the window opens, in minutes after midnight.
   */
  start_minute: number;
  /**
   * How long it stays open. It may go on after midnight.
   */
  minutes: number;
  /**
   * How far the clock of `start_minute` is ahead of UTC, in minutes. Without it 0: UTC.
   */
  offset_minutes?: number;
}
/**
 * What an image is: made and signed when it is packaged, before anyone knows who will get it.
 */
export interface Release {
  /**
   * Version of this format.
   */
  release: 1;
  /**
   * Name of the product. A device takes the releases of its own product only.
   */
  product: string;
  /**
   * Hardware it runs on, as in the root manifest.
   */
  hardware: string;
  /**
   * Version, for people. Which image it is, the hash decides.
   */
  version: string;
  /**
   * When it was packaged. For people: devices do not use it.
   */
  created_at: string;
  image: ReleaseImage;
}
/**
 * The image, so that a device can check every byte of it.
 */
export interface ReleaseImage {
  /**
   * SHA-256 of the whole file.
   */
  sha256: string;
  /**
   * Size of the file in bytes.
   */
  size: number;
  /**
   * Bytes of a chunk: one flash sector.
   */
  chunk_size: 4096;
  /**
   * SHA-256 of the hash list: for each chunk in order the first 16 bytes of its SHA-256.
   */
  hash_list_sha256: string;
  /**
   * `secure_version` of its app descriptor (anti-rollback).
   */
  secure_version: number;
  /**
   * `chip_id` of its image header (`esp_chip_id_t`).
   */
  chip_id: number;
}
/**
 * A device's word on which chunks it lacks. Any publisher may answer.
 */
export interface DeviceRequest {
  /**
   * Version of the protocol.
   */
  protocol: 1;
  /**
   * An image: the first 16 bytes of its SHA-256, as in the topics.
   */
  image: string;
  /**
   * Missing chunks as [first, count], ascending and apart; the lowest 64 ranges where there are more.
   */
  missing: [number, number][];
  /**
   * How many chunks are missing in all.
   */
  missing_count: number;
  /**
   * Chunks that the device has room for before it asks again; 0: whatever the publisher sends.
   */
  window: number;
  /**
   * Answer on the device's own topic.
   */
  unicast: boolean;
}
/**
 * How a device stands. Whoever reads it takes it as a claim: texts in it may hold any character.
 */
export interface StateReport {
  /**
   * Version of the protocol.
   */
  protocol: 1;
  /**
   * Name of the device, the same as in the topic.
   */
  device: string;
  /**
   * Where it stands with its offer.
   */
  state:
    | "idle"
    | "checking"
    | "waiting"
    | "downloading"
    | "verifying"
    | "ready-to-reboot"
    | "pending-verify"
    | "confirmed"
    | "rejected"
    | "rolled-back"
    | "failed";
  /**
   * Id of the offer that the report is about.
   */
  offer?: string;
  /**
   * The image of that offer, as in the topics.
   */
  image?: string;
  /**
   * Version of the app descriptor of the image that runs.
   */
  version: string;
  /**
   * Label of the partition that it runs from.
   */
  slot: string;
  /**
   * SHA-256 of the image that runs, as read from flash at boot.
   */
  running_sha256: string;
  /**
   * Chunks of the offered image that stand in the slot, checked.
   */
  received: number;
  /**
   * Chunks of the offered image; 0 without one.
   */
  total: number;
  /**
   * Highest (epoch, sequence) accepted; [0, 0] before the first offer.
   *
   * @minItems 2
   * @maxItems 2
   */
  accepted: [number, number];
  /**
   * Epoch of the key set that it trusts; absent where it has none.
   */
  key_set?: number;
  /**
   * Offers and key sets that were not taken since boot because they are not authentic or out of order, and why the last one.
   */
  refused?: {
    /**
     * How many.
     */
    count: number;
    /**
     * A code of the project, such as signing/unknown-key.
     */
    code: string;
  };
  /**
   * Whether the bootloader in this flash performs rollback at all.
   */
  rollback: boolean;
  /**
   * Whether the device knows the time, so that it can refuse what has expired.
   */
  clock: boolean;
  /**
   * False in the message that the broker sends when the connection is lost.
   */
  online: boolean;
  /**
   * Starts of the device so far.
   */
  boot_count: number;
  /**
   * Asked several times, and nothing useful came.
   */
  stalled?: boolean;
  error?: ReportError;
  /**
   * Counters since boot.
   */
  stats?: {
    /**
     * A count.
     */
    [k: string]: number;
  };
}
/**
 * Why the offer was rejected or failed.
 */
export interface ReportError {
  /**
   * A code of the project, such as offer/stale.
   */
  code: string;
  /**
   * A sentence for people, at most 200 bytes of UTF-8. Programs use the code.
   */
  message: string;
}
/**
 * Settings that a device gets in the factory: its identity, its broker, and the keys that it trusts. `tinybms-ota provision` writes them into the namespace `tinybms` of an NVS partition. Wi-Fi settings and other data of an app belong in the app's own namespaces.
 */
export interface Provisioning {
  /**
   * Version of this format.
   */
  provisioning: 1;
  /**
   * Name of the device in topics.
   */
  device_id: string;
  /**
   * URL of the broker: mqtt://, mqtts://, ws:// or wss://, without user name and password.
   */
  broker: string;
  /**
   * Topic of the product, as in the channel of its release line.
   */
  topic: string;
  /**
   * Name of the product, as in its releases.
   */
  product: string;
  /**
   * User name for the broker. The broker must let it publish only below the device's own topics, so the device's name is the best choice.
   */
  username?: string;
  /**
   * Password for the broker.
   */
  password?: string;
  /**
   * PEM of the authorities that may have signed the broker's certificate. Default: the authorities in the app.
   */
  ca_certificate?: string;
  /**
   * PEM of the device's own certificate, for brokers that request one.
   */
  certificate?: string;
  /**
   * PEM of the private key of `certificate`.
   */
  private_key?: string;
  key_set?: Envelope;
  /**
   * Whether the device accepts unsigned offers. Not together with `key_set`. Default: false.
   */
  allow_unsigned?: boolean;
}
