import { deliverInWorld } from "../firmware-sim/test/deliver-in-world.ts";
import { type BenchLine, median } from "./bench-line.ts";

const DEVICES = 1_000;
/** 256 KiB. */
const CHUNKS = 64;
const KIB = CHUNKS * 4;
const ROUNDS = 3;
/** CPU time that one update of one device may take: 200 updates a CPU second. */
const UPDATE_LIMIT_MS = 5;

/**
 * An update of a thousand devices in the simulated world: what is sent, against the image once; and the CPU time of one
 * device's update, against a limit of its own.
 */
export async function benchWorld(): Promise<readonly BenchLine[]> {
  const deliver = (loss: number): { readonly images: number; readonly cpuMs: number } => {
    const before = process.cpuUsage();
    const { images, outcome } = deliverInWorld({ count: DEVICES, chunks: CHUNKS, loss });
    const { user, system } = process.cpuUsage(before);
    if (outcome.reason !== "delivered") throw new Error(`the delivery ended as ${outcome.reason}`);
    return { images, cpuMs: (user + system) / 1_000 / DEVICES };
  };
  const lossless = Array.from({ length: ROUNDS }, () => deliver(0));
  const lossy = deliver(0.01);
  const sent = (name: string, images: number, limit: number): BenchLine => {
    return { name: `${name}, KiB sent`, ours: images * KIB, plain: KIB, unit: "KiB", ratio: images, limit };
  };
  const updateMs = median(lossless.map(({ cpuMs }) => cpuMs));
  return [
    sent(`${DEVICES} devices in the world`, median(lossless.map(({ images }) => images)), 1.02),
    sent(`${DEVICES} devices in the world that lose 1 %`, lossy.images, 2.5),
    {
      name: `CPU time of an update of ${KIB} KiB in the world`,
      ours: updateMs,
      plain: UPDATE_LIMIT_MS,
      ratio: updateMs / UPDATE_LIMIT_MS,
      limit: 1,
    },
  ];
}
