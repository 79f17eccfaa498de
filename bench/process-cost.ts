import { existsSync, readFileSync } from "node:fs";

/** Cost of processes: CPU seconds and largest memory in MiB. */
export interface ProcessCost {
  cpuS: number;
  mib: number;
}

/** Returns the CPU seconds of a process so far, in user and kernel; 0 if it has ended. */
export function cpuSecondsOf(pid: number | undefined): number {
  return costOf(pid)?.cpuS ?? 0;
}

/** Reads the cost of a process so far from /proc. @returns `undefined` if it has ended. */
export function costOf(pid: number | undefined): ProcessCost | undefined {
  if (pid === undefined || !existsSync(`/proc/${pid}/status`)) return undefined;
  try {
    const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    if (peak === undefined) return undefined; // It ended, and its parent has not heard of it.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    // utime and stime, in ticks of 10 ms.
    return { mib: Number(peak) / 1_024, cpuS: (Number(fields[11]) + Number(fields[12])) / 100 };
  } catch {
    return undefined; // It ended in between.
  }
}
