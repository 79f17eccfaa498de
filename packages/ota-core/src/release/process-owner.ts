import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { toHex, utf8 } from "../bytes.ts";
import { sha256 } from "../sha256.ts";

/** One process among all that may ever have written into a shared folder. */
export interface ProcessOwner {
  readonly pid: number;
  /** Name of the machine, for people. */
  readonly host: string;
  /** Stands for machine, boot and process namespace: a `pid` means something only where this is the same. */
  readonly realm: string;
  /** When the process began, in the kernel's ticks, so that a `pid` used again is told apart; `0` where unknown. */
  readonly started: string;
}

let current: ProcessOwner | undefined;

/** The process that runs this. */
export function thisProcess(): ProcessOwner {
  current ??= { pid: process.pid, host: hostname(), realm: realmOf(hostname()), started: startOf("self") ?? "0" };
  return current;
}

/**
 * Whether it is certain that a process is gone. On another machine, in another container or before the last boot
 * nothing is certain, so the answer is no.
 */
export function isDead({ pid, realm, started }: Pick<ProcessOwner, "pid" | "realm" | "started">): boolean {
  if (realm !== thisProcess().realm || !Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0); // sends nothing, and asks whether something could be sent
  } catch (error) {
    // EPERM says that somebody else's process has the number.
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
  const start = startOf(pid);
  return started !== "0" && start !== undefined && start !== started;
}

/** Two containers may share a folder, a host name and their small process ids; they never share boot and namespace. */
function realmOf(host: string): string {
  const boot = orEmpty(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
  const namespace = orEmpty(() => readlinkSync("/proc/self/ns/pid"));
  return toHex(sha256(utf8(`${host}\n${boot}\n${namespace}`)).subarray(0, 6));
}

/** Field 22 of `/proc/<pid>/stat` (proc(5)); the second field is a name in parentheses that may hold anything. */
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
