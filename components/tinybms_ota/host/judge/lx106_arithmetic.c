// SPDX-License-Identifier: MIT
/** What compilers for lx106 call and libgcc leaves out, because the ROM of that chip has it. */
#include <stdint.h>

uint32_t __udivsi3(uint32_t dividend, uint32_t divisor);
uint32_t __umodsi3(uint32_t dividend, uint32_t divisor);
uint64_t __udivdi3(uint64_t dividend, uint64_t divisor);
int64_t __divdi3(int64_t dividend, int64_t divisor);
uint64_t __umulsidi3(uint32_t left, uint32_t right);
int64_t __muldi3(int64_t left, int64_t right);

static uint64_t divide(uint64_t dividend, uint64_t divisor, uint64_t *rest) {
  uint64_t quotient = 0, left = 0;
  for (unsigned bit = 64; bit-- > 0;) {
    const uint64_t carry = left >> 63;
    left = left << 1 | (dividend >> bit & 1u);
    if (carry == 0 && left < divisor) continue;
    left -= divisor;
    quotient |= (uint64_t)1 << bit;
  }
  *rest = left;
  return quotient;
}

uint64_t __udivdi3(uint64_t dividend, uint64_t divisor) {
  uint64_t rest;
  return divide(dividend, divisor, &rest);
}

uint32_t __udivsi3(uint32_t dividend, uint32_t divisor) { return (uint32_t)__udivdi3(dividend, divisor); }

uint32_t __umodsi3(uint32_t dividend, uint32_t divisor) {
  uint64_t rest;
  divide(dividend, divisor, &rest);
  return (uint32_t)rest;
}

int64_t __divdi3(int64_t dividend, int64_t divisor) {
  const uint64_t magnitude = dividend < 0 ? 0u - (uint64_t)dividend : (uint64_t)dividend;
  const uint64_t quotient = __udivdi3(magnitude, divisor < 0 ? 0u - (uint64_t)divisor : (uint64_t)divisor);
  return (int64_t)((dividend < 0) != (divisor < 0) ? 0u - quotient : quotient);
}

uint64_t __umulsidi3(uint32_t left, uint32_t right) {
  const uint32_t low = (left & 0xffffu) * (right & 0xffffu);
  const uint32_t cross = (left >> 16) * (right & 0xffffu) + (low >> 16);
  const uint32_t other = (left & 0xffffu) * (right >> 16) + (cross & 0xffffu);
  const uint32_t high = (left >> 16) * (right >> 16) + (cross >> 16) + (other >> 16);
  return (uint64_t)high << 32 | (other << 16 | (low & 0xffffu));
}

int64_t __muldi3(int64_t left, int64_t right) {
  const uint64_t a = (uint64_t)left, b = (uint64_t)right;
  const uint32_t high = (uint32_t)(a >> 32) * (uint32_t)b + (uint32_t)a * (uint32_t)(b >> 32);
  return (int64_t)(__umulsidi3((uint32_t)a, (uint32_t)b) + ((uint64_t)high << 32));
}
