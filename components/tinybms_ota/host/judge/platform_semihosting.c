// SPDX-License-Identifier: MIT
/**
 * The judge on a bare RISC-V machine of QEMU, which counts instructions. Files come and go by semihosting (RISC-V
 * Semihosting Specification 0.4): `input` and `output` in the folder in which the emulator runs.
 */
#include "platform.h"

enum { OPERATION_OPEN = 0x01, OPERATION_WRITE = 0x05, OPERATION_READ = 0x06, OPERATION_EXIT = 0x20 };
enum { MODE_READ = 1, MODE_WRITE = 5, APPLICATION_EXIT = 0x20026 };

static uintptr_t input, output;

/** The three instructions by which the emulator knows a call. */
__attribute__((naked, aligned(16), noipa)) static uintptr_t call(uintptr_t operation, const void *parameters) {
  (void)operation;
  (void)parameters;
  __asm__ volatile(".option push\n.option norvc\nslli zero, zero, 0x1f\nebreak\nsrai zero, zero, 7\nret\n.option pop");
}

static uintptr_t open(const char *name, uintptr_t length, uintptr_t mode) {
  const uintptr_t parameters[] = {(uintptr_t)name, mode, length};
  return call(OPERATION_OPEN, parameters);
}

size_t judge_read(uint8_t *bytes, size_t size) {
  const uintptr_t parameters[] = {input, (uintptr_t)bytes, size};
  return size - call(OPERATION_READ, parameters);
}

void judge_write(const uint8_t *bytes, size_t length) {
  const uintptr_t parameters[] = {output, (uintptr_t)bytes, length};
  if (call(OPERATION_WRITE, parameters) != 0) judge_exit(1);
}

uint64_t judge_instructions(void) {
  uint32_t high, low, again;
  do {
    __asm__ volatile(".option push\n.option arch, +zicsr\n"
                     "csrr %0, minstreth\ncsrr %1, minstret\ncsrr %2, minstreth\n.option pop"
                     : "=r"(high), "=r"(low), "=r"(again));
  } while (high != again);
  return (uint64_t)high << 32 | low;
}

void judge_exit(int status) {
  const uintptr_t parameters[] = {APPLICATION_EXIT, (uintptr_t)status};
  call(OPERATION_EXIT, parameters);
  for (;;) {
  }
}

_Noreturn static __attribute__((used)) void start(void) {
  input = open("input", 5, MODE_READ);
  output = open("output", 6, MODE_WRITE);
  judge();
  judge_exit(0);
}

static _Alignas(16) uint8_t stack[16384] __attribute__((used));

__attribute__((naked, section(".init"))) void _start(void) {
  __asm__ volatile("la sp, stack + 16384\nj start");
}
