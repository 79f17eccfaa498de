import { afterEach, expect, test } from "vitest";
import { deliverThroughFaults } from "../bench/fleet-through-faults.ts";
import { hasMosquitto, killMosquittos } from "../packages/ota-publisher/test/mosquitto-broker.ts";

afterEach(killMosquittos);

const isAbsent = !hasMosquitto();
const WHY = isAbsent ? " (skipped: apt-get install mosquitto)" : "";

test.skipIf(isAbsent)(
  `a joined publisher confirms ten lossy devices after a kill and two restarts of Mosquitto${WHY}`,
  async () => {
    const delivery = { devices: 10, sizeBytes: 262_144, rate: 32_768, timeout: 300 };
    const result = await deliverThroughFaults(delivery, 0.02);
    expect(result.states).toEqual({ confirmed: 10 });
    expect(result.joined.exitCode).toBe(0);
    expect(result.joined.images).toBeGreaterThan(0);
    expect(result.happenedAt).toHaveLength(3);
    expect(result.restarts).toBe(2);
    expect(result.lost).toBeGreaterThan(0);
  },
);
