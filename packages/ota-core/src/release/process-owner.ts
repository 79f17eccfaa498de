import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { toHex, utf8 } from "../bytes.ts";
import { sha256 } from "../sha256.ts";

/** Identity of a process among all that may have written into a shared folder. */
export interface ProcessOwner {
  readonly pid: number;
  /** Host name of the machine, for messages. */
  readonly host: string;
  /** Hash of machine, boot and process namespace. A `pid` is comparable only within the same realm. */
  readonly realm: string;
  /** Start time of the process in kernel ticks, to recognize a reused `pid`; `0` if unknown. */
  readonly started: string;
}

let current: ProcessOwner | undefined;

/** Returns the identity of the current process. */
export function thisProcess(): ProcessOwner {
  current ??= { pid: process.pid, host: hostname(), realm: realmOf(hostname()), started: startOf("self") ?? "0" };
  return current;
}

/**
 * Returns `true` if a process has certainly ended. Returns `false` for a process of another machine, container or boot,
 * about which nothing is certain.
 */
export function isDead({ pid, realm, started }: Pick<ProcessOwner, "pid" | "realm" | "started">): boolean {
  if (realm !== thisProcess().realm || !Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0); // signal 0 only checks whether the process exists
  } catch (error) {
    // EPERM means that a process of another user has this pid.
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
  const start = startOf(pid);
  return started !== "0" && start !== undefined && start !== started;
}

/** Two containers may share a folder, a host name and small process ids, but never both boot and namespace. */
function realmOf(host: string): string {
  const boot = orEmpty(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
  const namespace = orEmpty(() => readlinkSync("/proc/self/ns/pid"));
  return toHex(sha256(utf8(`${host}\n${boot}\n${namespace}`)).subarray(0, 6));
}

/**
 * Reads field 22 of `/proc/<pid>/stat` (proc(5)). The second field is a name in parentheses that may contain any
 * characters.
 */
function startOf(pid: number | "self"): string | undefined {
  const stat = orEmpty(() => readFileSync(`/proc/${pid}/stat`, "latin1"));
  return stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .at(19);
}

function orEmpty(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}
