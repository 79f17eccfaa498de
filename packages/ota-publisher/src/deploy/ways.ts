import type { LoadedArtifact } from "@tinybms/ota-core/node";
import { blob } from "./ways/blob.ts";
import { chunked } from "./ways/chunked.ts";
import { https } from "./ways/https.ts";
import { serial } from "./ways/serial.ts";
import type { DeliveryJob, DeliveryResult, DeployContext, Description, Way } from "./ways/way.ts";

/** Way with its target type hidden, so that ways can share a list. */
export interface KnownWay extends Omit<Way<unknown>, "prepare" | "describe" | "deliver"> {
  /** Prepares a delivery: {@link Way.prepare}. */
  prepare(artifact: LoadedArtifact, context: DeployContext): Promise<PlannedDelivery>;
}

/** Prepared delivery of one artifact by one way. */
export interface PlannedDelivery {
  readonly way: KnownWay;
  /** Name of the artifact. */
  readonly artifact: string;
  readonly description: Description;
  /** Delivers the artifact: {@link Way.deliver}. */
  deliver(job: DeliveryJob): Promise<DeliveryResult>;
}

/** All ways. Of several ways with one transport, the first is the default. */
export const WAYS: readonly KnownWay[] = [known(chunked), known(blob), known(https), known(serial)];

function known<Target>(way: Way<Target>): KnownWay {
  const { name, transport, canAnswer, form, reaches, progress } = way;
  const itself: KnownWay = {
    ...{ name, transport, canAnswer, form, reaches, progress },
    prepare: async (artifact, context) => {
      const target = await way.prepare(artifact, context);
      return {
        way: itself,
        artifact: artifact.artifact.name,
        description: way.describe(target),
        deliver: (job) => way.deliver(target, job),
      };
    },
  };
  return itself;
}
