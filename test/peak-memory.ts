import { readFileSync } from "node:fs";

/**
 * The most memory that this process ever had resident, in bytes.
 *
 * `ru_maxrss` of a child begins with what its parent had when it was forked (Linux, `exec_mmap`), so that a large parent hides
 * what a child takes; `VmHWM` is the child's own.
 */
export function peakMemoryBytes(): number {
  if (process.platform !== "linux") return process.resourceUsage().maxRSS * 1024;
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  if (kib === undefined) throw new Error("/proc/self/status has no VmHWM");
  return Number(kib) * 1024;
}
