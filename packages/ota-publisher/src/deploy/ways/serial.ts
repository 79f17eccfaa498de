import { parseAppImage } from "@tinybms/ota-core/esp";
import { type ImageFile, readWhole } from "../../image-file.ts";
import type { DeliveryJob, DeliveryResult, Way } from "./way.ts";

/** Image and ports of a serial delivery. */
interface SerialTarget {
  readonly ports: readonly string[];
  readonly image: ImageFile;
}

/** Baud rate for the loader. `flash` has options for this and the next value. */
const LOADER_BAUD_RATE = 921_600;
const WATCH_SECONDS = 10;

/** Delivery over a serial cable, into the next slot of each board. */
export const serial: Way<SerialTarget> = {
  name: "serial",
  transport: "serial",
  canAnswer: false,
  form: "a delivery by cable",
  reaches: "goes to the boards at --port",
  progress: "devices",

  async prepare(artifact, { options, open }) {
    const { loadSerial } = await import("../../serial/load-serial.ts");
    const { portsOf } = await import("../../serial/board-ports.ts");
    const ports = await portsOf(await loadSerial(), options);
    return { ports, image: open(artifact).image() };
  },

  describe({ ports, image }) {
    return {
      ...{ mode: "flash", label: "serial", file: image, place: { target: { ports } }, warnings: [] },
      destination: `to the boards at ${ports.join(", ")}`,
      settings: [["slot", "the next one, selected"]],
    };
  },

  deliver,
};

async function deliver({ ports, image }: SerialTarget, { events, signal }: DeliveryJob): Promise<DeliveryResult> {
  const { loadSerial } = await import("../../serial/load-serial.ts");
  const { boardsError, flashBoards, progressOf } = await import("../../serial/flash-boards.ts");
  const bytes = readWhole(image);
  const app = { name: image.path, bytes, image: parseAppImage(bytes) };
  const job = {
    content: { type: "app", app, options: { slot: "next", select: true, force: false } },
    reach: { baudRate: LOADER_BAUD_RATE },
    watchSeconds: WATCH_SECONDS,
    dryRun: false,
    signal,
  } as const;
  const watch = { onDevice: events.onDevice, onNote: (text: string) => events.onNote(text) };
  const records = await flashBoards(await loadSerial(), ports, job, watch);
  const bytesSent = records.reduce((sum, record) => sum + record.bytesSent, 0);
  return { bytesSent, devices: records.map(progressOf), error: boardsError(records) };
}
