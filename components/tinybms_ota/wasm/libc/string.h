// SPDX-License-Identifier: MIT
/** The part of string.h that the library uses. */
#ifndef TBO_WASM_STRING_H
#define TBO_WASM_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t length);
void *memmove(void *to, const void *from, size_t length);
void *memset(void *to, int byte, size_t length);
int memcmp(const void *left, const void *right, size_t length);
size_t strlen(const char *text);
int strcmp(const char *left, const char *right);
char *strncpy(char *restrict to, const char *restrict from, size_t length);

#endif
