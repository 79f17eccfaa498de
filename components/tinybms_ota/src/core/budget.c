// SPDX-License-Identifier: MIT
#include "machine.h"

#include <string.h>

enum { MINUTE_MS = 60000 };

static void forget(tbo_budget_t *budget, uint64_t now) {
  unsigned past = 0;
  while (past < budget->count && budget->at[past] + MINUTE_MS <= now) past++;
  if (past == 0) return;
  budget->count = (uint8_t)(budget->count - past);
  memmove(budget->at, budget->at + past, budget->count * sizeof budget->at[0]);
}

unsigned tbo_budget_left(tbo_budget_t *budget, unsigned limit, uint64_t now) {
  forget(budget, now);
  return budget->count < limit ? limit - budget->count : 0;
}

uint64_t tbo_budget_ready_at(tbo_budget_t *budget, uint64_t now) {
  forget(budget, now);
  return budget->count == 0 ? now : budget->at[budget->count - 1u] + MINUTE_MS;
}

void tbo_budget_spend(tbo_budget_t *budget, uint64_t now) {
  if (budget->count < TBO_BUDGET_MAX) budget->at[budget->count++] = now;
}
