import type { ReplayDocument, ReplayLane } from "../src/replay-page/replay-document.ts";

/** Reads the data of a replay page, as its script does. */
export function dataOf(page: string): ReplayDocument {
  return JSON.parse(/<script id="data" type="application\/json">(.*?)<\/script>/s.exec(page)?.[1] ?? "");
}

/** Counts the messages of a lane in one direction. */
export function messages(lane: ReplayLane, list: "sent" | "received" | "lost"): number {
  return lane[list].reduce((sum, [, , count]) => sum + count, 0);
}

/** Returns what stands in the shown sectors of a partition at the end, a digit each. */
export function sectorsOf({ flash }: ReplayLane, partition: string): string {
  const contents = [...(flash?.start ?? "")];
  for (const [, sector, content] of flash?.changes ?? []) contents[sector] = String(content);
  let from = 0;
  for (const { name, shown } of flash?.partitions ?? []) {
    if (name === partition) return contents.slice(from, from + shown).join("");
    from += shown;
  }
  throw new RangeError(`no partition is called ${partition}`);
}
