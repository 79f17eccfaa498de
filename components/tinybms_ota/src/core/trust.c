// SPDX-License-Identifier: MIT
#include "machine.h"

#include <string.h>

/** Verifications of one message, and of one envelope. */
enum { VERIFICATIONS_MAX = 8 };

static const uint8_t LIMITS[TBO_JUDGE_COUNT][2] = {{8, 16}, {8, 8}};

/** Offset of the part of a SubjectPublicKeyInfo that psa_import_key() takes. Devices use no other algorithms. */
static size_t key_offset(tbo_alg_t alg) { return alg == TBO_ALG_ECDSA_P256 ? 26 : 24; }

/* ---- Keys of a role ---- */

static bool is_usable(const tbo_t *tbo, const tbo_key_t *key) {
  return !key->is_revoked && (key->alg & tbo->config.algorithms) != 0;
}

bool tbo_keys_open(tbo_t *tbo, tbo_keys_t which, tbo_key_set_t *set) {
  size_t length = 0;
  const char *text = tbo->port->lend_keys(tbo->port->context, which, &length);
  uint8_t *scratch = (uint8_t *)tbo->scratch;
  if (text == NULL) return false;
  if (which == TBO_KEYS_STORED) return tbo_key_set_restore(text, length, scratch, tbo->port, set);
  return tbo_key_set_parse(text, length, scratch, tbo->port, set);
}

tbo_code_t tbo_keys_problem(tbo_t *tbo, const tbo_key_set_t *set) {
  tbo_key_verdict_t verdict = tbo_key_set_check_keys(set, (uint8_t *)tbo->scratch, tbo->port);
  if (verdict == TBO_KEY_MALFORMED) return TBO_CODE_KEY_MALFORMED;
  if (verdict == TBO_KEY_UNSUPPORTED) return TBO_CODE_KEY_UNSUPPORTED;
  for (unsigned role = 0; role < TBO_ROLE_COUNT; role++) {
    unsigned usable = 0;
    for (unsigned position = 0; position < tbo_key_set_role_count(set, (tbo_role_t)role); position++) {
      tbo_key_t key;
      tbo_key_set_role_key(set, (tbo_role_t)role, position, &key);
      if ((key.alg & tbo->config.algorithms) != 0) usable++;
    }
    if (usable < tbo_key_set_threshold(set, (tbo_role_t)role)) return TBO_CODE_UNSUPPORTED_ALGORITHM;
  }
  return TBO_CODE_NONE;
}

/* ---- Verdicts ---- */

static bool recall(const tbo_verdicts_t *verdicts, const uint8_t *name, tbo_code_t *code) {
  for (unsigned at = 0; at < verdicts->count; at++) {
    if (memcmp(verdicts->of[at].name, name, sizeof verdicts->of[at].name) != 0) continue;
    *code = (tbo_code_t)verdicts->of[at].code;
    return true;
  }
  return false;
}

static void remember(tbo_verdicts_t *verdicts, const uint8_t *name, tbo_code_t code) {
  if (verdicts->count == TBO_VERDICTS_MAX) {
    memmove(verdicts->of, verdicts->of + 1, (TBO_VERDICTS_MAX - 1u) * sizeof verdicts->of[0]);
    verdicts->count--;
  }
  tbo_verdict_t *verdict = &verdicts->of[verdicts->count++];
  memcpy(verdict->name, name, sizeof verdict->name);
  verdict->code = (uint8_t)code;
}

void tbo_forget_key_sets(tbo_t *tbo) {
  memset(tbo->verdicts[TBO_JUDGE_KEY_SETS], 0, sizeof tbo->verdicts[TBO_JUDGE_KEY_SETS]);
}

/* ---- One envelope ---- */

static tbo_kind_t kind_of(const tbo_examination_t *exam) {
  if (exam->judge == TBO_JUDGE_KEY_SETS) return TBO_KIND_KEYS;
  return exam->is_second ? TBO_KIND_RELEASE : TBO_KIND_OFFER;
}

static tbo_role_t role_of(const tbo_examination_t *exam) {
  static const uint8_t roles[] = {TBO_ROLE_OFFER, TBO_ROLE_RELEASE, TBO_ROLE_ROOT};
  return (tbo_role_t)roles[kind_of(exam)];
}

/** Parses the key set whose keys must have signed. */
static bool open_signers(tbo_t *tbo, tbo_key_set_t *set) {
  const tbo_examination_t *exam = &tbo->exam;
  if (exam->judge == TBO_JUDGE_OFFERS || !exam->is_second) return tbo_keys_open(tbo, (tbo_keys_t)tbo->keys_source, set);
  return tbo_key_set_parse((const char *)exam->document.bytes, exam->document.length, (uint8_t *)tbo->scratch,
                           tbo->port, set);
}

static void begin_envelope(tbo_t *tbo) {
  static const char *const heads[] = {"tinybms-ota/offer/v1", "tinybms-ota/release/v1", "tinybms-ota/keys/v1"};
  tbo_examination_t *exam = &tbo->exam;
  const char *head = heads[kind_of(exam)];
  const tbo_port_t *port = tbo->port;
  exam->signature = exam->key = exam->valid = exam->counted = exam->verifications = 0;
  exam->is_unnamed = false;
  port->sha256(port->context, (const uint8_t *)head, strlen(head) + 1, exam->envelope.payload,
                exam->envelope.payload_length, exam->digest);
}

/**
 * Goes from the offer to the release in it, or from the former root keys to the new ones.
 *
 * @return false if there is nothing more to verify, or something is wrong: `code` says which.
 */
static bool begin_second(tbo_t *tbo, tbo_code_t *code) {
  tbo_examination_t *exam = &tbo->exam;
  if (exam->judge == TBO_JUDGE_OFFERS) {
    tbo_offer_t offer;
    *code = TBO_CODE_NONE;
    if (!tbo_offer_parse((const char *)exam->document.bytes, exam->document.length, &offer)) return false;
    if (tbo_json_type(offer.release) == TBO_JSON_NULL) return false;
    tbo_envelope_decode((char *)tbo->message, offer.release, &exam->envelope);
  } else {
    tbo_key_set_t next;
    exam->is_second = true;
    if (!open_signers(tbo, &next)) *code = TBO_CODE_MALFORMED;
    else *code = tbo_keys_problem(tbo, &next);
    if (*code != TBO_CODE_NONE) return false;
  }
  exam->is_second = true;
  begin_envelope(tbo);
  return true;
}

/** Returns whether a signature may be tried with a key of the role now. */
static bool is_worth_trying(const tbo_t *tbo, const tbo_key_set_t *set, const tbo_signature_t *signature, tbo_key_t *key) {
  const tbo_examination_t *exam = &tbo->exam;
  tbo_key_set_role_key(set, role_of(exam), exam->key, key);
  bool is_named = memcmp(key->keyid, signature->keyid, TBO_KEYID_SIZE) == 0;
  if (is_named == exam->is_unnamed || !is_usable(tbo, key) || key->alg != signature->alg) return false;
  return (exam->valid >> exam->signature & 1u) == 0 && (exam->counted >> exam->key & 1u) == 0;
}

/**
 * Finds the next signature and key to try: first each signature with the key that it names, then with the others.
 *
 * @return false if there is none.
 */
static bool find_check(const tbo_t *tbo, tbo_examination_t *exam, const tbo_key_set_t *set, tbo_key_t *key) {
  unsigned count = tbo_key_set_role_count(set, role_of(exam));
  for (;;) {
    for (; exam->signature < exam->envelope.count; exam->signature++, exam->key = 0) {
      for (; exam->key < count; exam->key++) {
        if (!is_worth_trying(tbo, set, &exam->envelope.signatures[exam->signature], key)) continue;
        if (exam->verifications == VERIFICATIONS_MAX) return false;
        exam->verifications++;
        return true;
      }
    }
    if (exam->is_unnamed) return false;
    exam->is_unnamed = true;
    exam->signature = exam->key = 0;
  }
}

static unsigned bits(unsigned set) {
  unsigned count = 0;
  for (; set != 0; set &= set - 1u) count++;
  return count;
}

/** Returns why a signature does not count. */
static tbo_code_t signature_problem(const tbo_t *tbo, const tbo_key_set_t *set, const tbo_signature_t *signature) {
  tbo_key_t key;
  tbo_role_t role = role_of(&tbo->exam);
  if (tbo_key_set_revokes(set, signature->keyid)) return TBO_CODE_REVOKED_KEY;
  if (!tbo_key_set_find(set, signature->keyid, &key)) return TBO_CODE_UNKNOWN_KEY;
  if (tbo_key_set_role_position(set, role, signature->keyid) == tbo_key_set_role_count(set, role)) return TBO_CODE_WRONG_ROLE;
  if (!is_usable(tbo, &key)) return TBO_CODE_UNSUPPORTED_ALGORITHM;
  return key.alg == signature->alg ? TBO_CODE_BAD_SIGNATURE : TBO_CODE_WRONG_ALGORITHM;
}

/** Returns why an envelope is refused: what is wrong with the signature that was most likely meant to count. */
static tbo_code_t refusal(const tbo_t *tbo, const tbo_key_set_t *set) {
  static const uint8_t likeliest[] = {TBO_CODE_BAD_SIGNATURE, TBO_CODE_WRONG_ALGORITHM, TBO_CODE_UNSUPPORTED_ALGORITHM,
                                      TBO_CODE_REVOKED_KEY,   TBO_CODE_WRONG_ROLE,      TBO_CODE_UNKNOWN_KEY};
  const tbo_examination_t *exam = &tbo->exam;
  unsigned best = sizeof likeliest - 1u;
  if (exam->counted != 0) return TBO_CODE_THRESHOLD;
  for (unsigned at = 0; at < exam->envelope.count; at++) {
    tbo_code_t problem = signature_problem(tbo, set, &exam->envelope.signatures[at]);
    for (unsigned rank = 0; rank < best; rank++) {
      if (likeliest[rank] == problem) best = rank;
    }
  }
  return (tbo_code_t)likeliest[best];
}

/* ---- The examination ---- */

/** What the last check answered. */
typedef enum { NOT_ASKED, INVALID, VALID } answer_t;

/**
 * Goes on to the next check.
 *
 * @return false if there is none; `code` is the verdict.
 */
static bool step(tbo_t *tbo, answer_t answer, tbo_key_t *key, tbo_code_t *code) {
  tbo_examination_t *exam = &tbo->exam;
  if (answer == VALID) {
    exam->counted = (uint8_t)(exam->counted | 1u << exam->key);
    exam->valid = (uint8_t)(exam->valid | 1u << exam->signature);
  } else if (answer == INVALID) {
    exam->key++;
  }
  for (;;) {
    tbo_key_set_t set;
    if (exam->envelope.count == 0) {
      *code = TBO_CODE_UNSIGNED;
      return false;
    }
    if (!open_signers(tbo, &set)) {
      *code = TBO_CODE_UNTRUSTED;
      return false;
    }
    if (bits(exam->counted) < tbo_key_set_threshold(&set, role_of(exam))) {
      if (find_check(tbo, exam, &set, key)) return true;
      *code = refusal(tbo, &set);
      return false;
    }
    *code = TBO_CODE_NONE;
    if (exam->is_second || !begin_second(tbo, code)) return false;
  }
}

static void ask(tbo_t *tbo, const tbo_key_t *key) {
  const tbo_examination_t *exam = &tbo->exam;
  const tbo_signature_t *signature = &exam->envelope.signatures[exam->signature];
  uint8_t *spki = (uint8_t *)tbo->scratch;
  size_t length = tbo_key_spki(key, spki);
  size_t offset = key_offset(key->alg);
  tbo_verify_t question = {
      .kind = kind_of(exam),
      .algorithm = key->alg,
      .spki = {spki, length},
      .key = {spki + offset, length - offset},
      .payload = {exam->envelope.payload, exam->envelope.payload_length},
      .digest = exam->digest,
      .signature = {signature->bytes, signature->length},
  };
  tbo->port->verify(tbo->port->context, &question);
}

static tbo_exam_result_t advance(tbo_t *tbo, answer_t answer, tbo_code_t *code) {
  tbo_examination_t *exam = &tbo->exam;
  tbo_key_t key;
  bool has_check = step(tbo, answer, &key, code);
  if (has_check && exam->left > 0) {
    exam->left--;
    exam->is_open = true;
    tbo_budget_spend(&tbo->budgets[exam->judge][exam->is_retained], tbo->now);
    ask(tbo, &key);
    return TBO_EXAM_CHECK;
  }
  bool is_cut_short = has_check;
  exam->is_open = false;
  // The allowance is used up: the remaining signatures count as invalid, and the code says why.
  while (has_check) has_check = step(tbo, INVALID, &key, code);
  if (is_cut_short && exam->allowance < VERIFICATIONS_MAX) return TBO_EXAM_POSTPONED;
  remember(&tbo->verdicts[exam->judge][exam->is_retained], exam->name, *code);
  return TBO_EXAM_DONE;
}

tbo_exam_result_t tbo_exam_begin(tbo_t *tbo, tbo_judge_t judge, bool is_retained, unsigned count, tbo_code_t problem,
                                 tbo_code_t *code) {
  tbo_examination_t *exam = &tbo->exam;
  const tbo_verdicts_t *verdicts = tbo->verdicts[judge];
  exam->judge = (uint8_t)judge;
  exam->is_retained = is_retained;
  exam->is_second = false;
  if (recall(&verdicts[1], exam->name, code) || recall(&verdicts[0], exam->name, code)) return TBO_EXAM_DONE;
  unsigned allowance = tbo_budget_left(&tbo->budgets[judge][is_retained], LIMITS[judge][is_retained], tbo->now);
  if (allowance > VERIFICATIONS_MAX) allowance = VERIFICATIONS_MAX;
  if (count > allowance) return TBO_EXAM_POSTPONED;
  if (problem != TBO_CODE_NONE) {
    *code = problem;
    remember(&tbo->verdicts[judge][is_retained], exam->name, problem);
    return TBO_EXAM_DONE;
  }
  exam->allowance = exam->left = (uint8_t)allowance;
  begin_envelope(tbo);
  return advance(tbo, NOT_ASKED, code);
}

tbo_exam_result_t tbo_exam_answer(tbo_t *tbo, bool is_valid, tbo_code_t *code) {
  return advance(tbo, is_valid ? VALID : INVALID, code);
}
