// Worlds whose broker is the attacker. Devices must only run images that they may run, and must all be updated once the
// broker is honest.
import { topicsOf } from "@tinybms/ota-core";
import { expect } from "vitest";
import type { AgentKind } from "../src/agent/agent-receiver.ts";
import { createDevice, createHardware } from "../src/device/create-device.ts";
import type { SimulatedDevice } from "../src/device/device.ts";
import { ContentCache } from "../src/flash/content-cache.ts";
import { createRandom } from "../src/random/random.ts";
import { ImagePublisher } from "../src/simulation/publish-image.ts";
import { createRememberingVerifier } from "../src/simulation/remembering-verifier.ts";
import { World } from "../src/simulation/world.ts";
import { createAttackedFleet, DEVICES, PRODUCT, TOPIC_ROOT } from "./attacked-fleet.ts";
import { HostileBroker } from "./hostile-broker.ts";

/** Maximum time for which a broker is hostile, in milliseconds of virtual time. Each world draws its own. */
const HOSTILE_MS_MAX = 40_000;
/** Offset of NVS in the default partition table. */
const NVS_OFFSET = 0x9000;
const NVS_END = 0xf000;
const HONEST_MS_MAX = 24 * 3_600_000;

const FLEET = createAttackedFleet();
const BOARD = createHardware({ app: FLEET.factory.bytes, flashSizeBytes: 2 ** 22 });
BOARD.flash.rememberIn(new ContentCache());
const VERIFY = createRememberingVerifier();

/** Counts over all worlds of this process, so that tests whose attacks have no effect fail. */
export const seen = { finalInstalls: 0, oldInstalls: 0, keySetSteps: 0, refused: 0, served: 0, powerCuts: 0 };

/** Watches one device and checks that it only runs images that it may run. */
class Watched {
  readonly device: SimulatedDevice;
  #accepted: readonly [number, number] = [0, 0];
  #keySet = 0;
  /** Sequences under which a new image was started. */
  readonly installs: string[] = [];
  #running: string = FLEET.factory.sha256;

  constructor(device: SimulatedDevice) {
    this.device = device;
  }

  look(): void {
    const { device } = this;
    if (device.status === "reset-loop") expect.fail(`${device.id} does not boot`);
    const { report } = device;
    // An agent that lost power may have known something that it had neither stored nor reported.
    if (report?.online !== true) return;
    const { accepted, key_set: keySet = 0, running_sha256: running } = report;
    const [epoch, sequence] = accepted;
    const [epochBefore, sequenceBefore] = this.#accepted;
    if (epoch < epochBefore || (epoch === epochBefore && sequence < sequenceBefore)) {
      expect.fail(`${device.id} went from ${this.#accepted} back to ${accepted}`);
    }
    if (keySet < this.#keySet) expect.fail(`${device.id} went from key set ${this.#keySet} back to ${keySet}`);
    seen.keySetSteps += keySet > this.#keySet && this.#keySet > 0 ? 1 : 0;
    this.#accepted = [epoch, sequence];
    this.#keySet = keySet;
    if (running !== this.#running) this.#onOtherImage(running, report.state);
    this.#running = running;
  }

  /** Checks that a newly started image was offered to this device, and accepted under that sequence. */
  #onOtherImage(running: string, state: string): void {
    const [epoch, sequence] = this.#accepted;
    if (state !== "pending-verify") return; // a rollback
    const offer = FLEET.offers.find((past) => {
      const isThis = past.image.sha256 === running && past.epoch === epoch && past.sequence === sequence;
      return isThis && past.allowed.includes(this.device.id);
    });
    if (offer === undefined) expect.fail(`${this.device.id} runs ${running} under ${epoch}/${sequence}`);
    const install = `${epoch}/${sequence}`;
    // One start for each sequence, and a second if power failed during the probation.
    const starts = this.installs.filter((other) => other === install).length + 1;
    expect(starts, `starts under ${install}`).toBeLessThanOrEqual(1 + this.device.powerCutCount);
    this.installs.push(install);
  }
}

/**
 * Attacks the world of a seed, then makes its broker honest. Throws if a device does something that it must not do, or
 * is not updated in the end.
 */
export function attackedWorld(seed: number, agent: AgentKind): void {
  const watched = DEVICES.map((id) => new Watched(makeDevice(id, seed, agent)));
  try {
    attack(seed, watched);
  } finally {
    for (const { device } of watched) device.halt();
  }
}

function attack(seed: number, watched: readonly Watched[]): void {
  const random = createRandom(seed);
  const broker = new HostileBroker(random.fork(), FLEET.armoury);
  const devices = watched.map(({ device }) => device);
  const world = new World({ seed, devices, broker });
  FLEET.laterKeySets.forEach((keySet, index) => {
    broker.publish(topicsOf(TOPIC_ROOT).keys(index + 2), keySet, true);
  });
  world.addPublisher(new ImagePublisher(FLEET.final), TOPIC_ROOT);
  const cut = random.bool(0.3) ? random.integer(1, 80) : undefined;
  if (cut !== undefined) {
    const moment = (["before", "during", "after"] as const)[cut % 3] ?? "before";
    devices[seed % 2]?.hardware.flash.cutPowerAt({ operation: cut, moment, seed });
  }
  const until = random.integer(1_000, HOSTILE_MS_MAX);
  const pauseMsMax = random.integer(50, 3_000);
  const strike = () => {
    broker.attack();
    if (world.now < until) world.schedule(random.integer(1, pauseMsMax), strike);
  };
  strike();
  const look = createLook(world, watched);
  while (world.now < until && world.step()) look();
  seen.powerCuts += devices.reduce((sum, { powerCutCount }) => sum + powerCutCount, 0);
  for (const { hardware } of devices) hardware.flash.disarm();
  for (const { report } of devices) seen.refused += report?.refused?.count ?? 0;

  // The broker becomes honest. Devices reconnect, and an honest publisher runs.
  broker.turnHonest();
  for (const { id } of devices) world.dropConnection(id, 100);
  world.addPublisher(new ImagePublisher(FLEET.final), TOPIC_ROOT);
  world.runUntil(() => {
    look();
    return devices.every(isServed);
  }, HONEST_MS_MAX);
  for (const { device, installs } of watched) {
    // ESP-IDF may write over an entry of NVS that a power cut tore.
    expect(device.hardware.flash.violations.filter(({ offset }) => offset < NVS_OFFSET || offset >= NVS_END)).toEqual(
      [],
    );
    const oldInstalls = installs.filter((install) => install !== "3/5").length;
    seen.oldInstalls += oldInstalls;
    seen.finalInstalls += installs.length - oldInstalls;
    seen.served++;
  }
}

/** Checks the devices after each change of one of them, and at every sixteenth step. */
function createLook(world: World, watched: readonly Watched[]): () => void {
  let steps = 0;
  let logged = 0;
  return () => {
    const { length } = world.log;
    if (steps++ % 16 !== 0 && length === logged) return;
    logged = length;
    for (const one of watched) one.look();
  };
}

function isServed({ status, state, report }: SimulatedDevice): boolean {
  return status === "running" && state === "confirmed" && report?.running_sha256 === FLEET.finalImage.sha256;
}

function makeDevice(id: string, seed: number, agent: AgentKind): SimulatedDevice {
  const { flash, efuse, chip } = BOARD;
  return createDevice({
    id,
    topicRoot: TOPIC_ROOT,
    product: PRODUCT,
    hardware: { flash: flash.snapshot(), efuse: efuse.copy(), chip },
    keySet: FLEET.keySet,
    verify: VERIFY,
    agent,
    seed,
    // In some worlds an earlier image fails its self-test. It must not be installed again under the same sequence.
    selfTests: seed % 3 === 0 ? [{ version: "3.0.0", outcome: "fail" }] : [],
  });
}
