// SPDX-License-Identifier: MIT
/** The functions of string.h for machines without a C library, except those whose speed depends on the machine. */
#include <stdint.h>
#include <string.h>

size_t strlen(const char *text) {
  size_t length = 0;
  while (text[length] != 0) length++;
  return length;
}

int strcmp(const char *left, const char *right) {
  while (*left != 0 && *left == *right) left++, right++;
  return (uint8_t)*left - (uint8_t)*right;
}

char *strncpy(char *restrict to, const char *restrict from, size_t length) {
  size_t at = 0;
  for (; at < length && from[at] != 0; at++) to[at] = from[at];
  for (; at < length; at++) to[at] = 0;
  return to;
}
