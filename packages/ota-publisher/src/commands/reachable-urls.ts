import { networkInterfaces } from "node:os";
import type { EmbeddedBroker } from "@tinybms/ota-broker";

/** Every URL under which devices reach a broker of this machine: on a wildcard address one for each of its own. */
export function reachableUrls({ host, port, url }: Pick<EmbeddedBroker, "host" | "port" | "url">): readonly string[] {
  if (host !== "0.0.0.0" && host !== "::") return [url];
  const outside = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family }) => !internal && family === "IPv4")
    .map(({ address }) => `mqtt://${address}:${port}`);
  return [url, ...outside];
}
