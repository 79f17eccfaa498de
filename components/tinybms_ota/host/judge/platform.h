/* SPDX-License-Identifier: MIT */
/** What the judge needs of the machine that it runs on. */
#ifndef TBO_JUDGE_PLATFORM_H
#define TBO_JUDGE_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

/** Reads up to `size` bytes. Returns how many; 0 at the end of the input. */
size_t judge_read(uint8_t *bytes, size_t size);

/** Writes all bytes. */
void judge_write(const uint8_t *bytes, size_t length);

/** Returns `size` bytes, aligned to 8. */
void *judge_allocate(size_t size);

/** Frees the block that was allocated last. */
void judge_free(void *block);

/** Returns how many instructions have run; 0 on a machine that does not count them. */
uint64_t judge_instructions(void);

/** Ends the program. */
_Noreturn void judge_exit(int status);

/** Judges what the input says. Returns at its end. */
void judge(void);

#endif
