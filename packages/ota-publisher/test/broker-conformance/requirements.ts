import { CONNECTION_REQUIREMENTS } from "./connection-requirements.ts";
import { MESSAGE_REQUIREMENTS } from "./message-requirements.ts";
import { probed, type Requirement } from "./requirement.ts";

/** What the protocol relies on: the probes of `broker-check`, and what a probe can't check from outside. */
export const REQUIREMENTS: readonly Requirement[] = [
  probed("limits", {
    name: "states no limit below what a delivery needs",
    sentence: "CONNACK limits packet size, retained messages or QoS below what the publisher has sent.",
    without: "`deploy` ends with the setting to change",
  }),
  probed("requests", {
    name: "delivers a device's messages to a publisher's wildcard subscription with QoS 1",
    sentence:
      "It answers requests until every expected device has ended, another offer takes its place, or its time is up.",
    without: "no device gets a chunk",
  }),
  probed("retained", {
    name: "sends a retained message at a subscription",
    sentence: "It reads both back, by subscribing to them again.",
    without: "`deploy` ends with `delivery/not-retained`",
  }),
  probed("repeated", {
    name: "sends a retained message at repeated subscriptions too",
    sentence: "it answers `waiting`, and subscribes to its offers again when it is done.",
    without: "an offer that comes during a probation is taken up only after the next connection",
  }),
  probed("cleared", {
    name: "removes a retained message when an empty one comes",
    sentence: "an empty message says nothing",
    without: "nothing fails; what nobody needs any more stays",
  }),
  probed("will", {
    name: "publishes and retains the will when a connection breaks",
    sentence:
      "The will is the [state report](#state-report) that would be sent now, with `online: false`, QoS 1, retained.",
    without: "`status` shows devices without power as online",
  }),
  probed("hash list", {
    name: "takes the hash list as one message",
    sentence: "A hash list stays retained as long as a retained offer names its image.",
    without: "`deploy` ends with `delivery/not-acknowledged` or `delivery/not-retained`",
  }),
  probed("chunk", {
    name: "delivers chunks on the image's topic and on a device's own",
    sentence: "A device far behind the median is answered on its own topic.",
    without: "devices stay in `downloading`",
  }),
  probed("burst", {
    name: "delivers the messages of one topic in order",
    sentence: "what was sent before a chunk that the device has received since its request before",
    without: "chunks count as lost, and are sent again",
  }),
  ...CONNECTION_REQUIREMENTS,
  ...MESSAGE_REQUIREMENTS,
];
