// SPDX-License-Identifier: MIT
/**
 * The fields of a machine and the functions of its parts.
 *
 * A machine has one activity at a time: it rests, downloads, is on probation, or condemns an image. Beside that it may
 * examine one envelope. The message buffer holds what arrives, then the chunk that is being written or the envelope that
 * is being examined.
 */
#ifndef TBO_CORE_MACHINE_H
#define TBO_CORE_MACHINE_H

#include "codec/bitmap.h"
#include "codec/envelope.h"
#include "codec/key_set.h"
#include "codec/offer.h"
#include "codec/record.h"
#include "codec/release.h"
#include "codec/text.h"
#include "codec/time.h"
#include "codec/topic.h"
#include "tinybms_ota.h"

/** Maximum number of starts of an image under one offer. */
#define TBO_ATTEMPTS_MAX 2u

/** Largest limit of a tbo_budget_t. */
#define TBO_BUDGET_MAX 16u

/** Verdicts kept of each kind of envelope, for retained and live messages apart. */
#define TBO_VERDICTS_MAX 4u

/** How often something may happen within any minute. All zero: nothing was spent. */
typedef struct {
  uint64_t at[TBO_BUDGET_MAX]; /**< When it happened, the oldest first. */
  uint8_t count;
} tbo_budget_t;

/** A verdict on a message. */
typedef struct {
  uint8_t name[16]; /**< First half of the message's SHA-256. */
  uint8_t code;     /**< tbo_code_t; TBO_CODE_NONE if it was verified. */
} tbo_verdict_t;

/** Verdicts, the oldest first. */
typedef struct {
  tbo_verdict_t of[TBO_VERDICTS_MAX];
  uint8_t count;
} tbo_verdicts_t;

/** Kinds of envelopes that are judged apart: a message that is not a key set may be an offer. */
typedef enum { TBO_JUDGE_OFFERS, TBO_JUDGE_KEY_SETS, TBO_JUDGE_COUNT } tbo_judge_t;

/** The examination of one envelope. */
typedef struct {
  tbo_envelope_t envelope; /**< The envelope whose signatures are tried: the message's, or the release's in it. */
  tbo_piece_t document;    /**< The message's payload. */
  uint8_t digest[32];      /**< SHA-256 of its signed bytes. */
  uint8_t name[16];        /**< First half of the message's SHA-256. */
  uint8_t judge;           /**< tbo_judge_t */
  uint8_t signature;       /**< The signature that is tried. */
  uint8_t key;             /**< Position in the role of the key that is tried. */
  uint8_t valid;           /**< One bit for each valid signature. */
  uint8_t counted;         /**< One bit for each key of the role that signed. */
  uint8_t verifications;   /**< Of this envelope. */
  uint8_t allowance;       /**< Verifications that the message may cost. */
  uint8_t left;            /**< Of the allowance. */
  bool is_open;            /**< A check waits for its answer. */
  bool is_retained;
  bool is_unnamed; /**< Signatures are tried with keys that they do not name. */
  bool is_second;  /**< The release's signatures are tried, or those of the new key set's own root keys. */
} tbo_examination_t;

/** Phases of a download. */
typedef enum {
  TBO_PHASE_HASHES,     /**< Waits for the hash list. */
  TBO_PHASE_SCAN,       /**< Compares what the slot holds, chunk by chunk. */
  TBO_PHASE_INVALIDATE, /**< Erases sector 0 and a stale verdict of otadata: nothing in the slot starts afterwards. */
  TBO_PHASE_FETCH,      /**< Takes chunks. */
  TBO_PHASE_VERIFY,     /**< Reads the whole image back, and runs ESP-IDF's own check. */
  TBO_PHASE_CONDEMN,    /**< Makes an image that must not run unbootable. */
  TBO_PHASE_READY,      /**< The image passed every check. */
  TBO_PHASE_SWITCH,     /**< Sets the image to boot. */
  TBO_PHASE_ENDED
} tbo_phase_t;

/** One download. */
typedef struct {
  tbo_bitmap_t missing;
  uint8_t *hashes;
  uint8_t offer[16];
  uint8_t image[32];
  uint8_t hash_list_sha256[32];
  uint32_t size;
  uint32_t secure_version;
  uint32_t chip_id;
  uint32_t spread_ms;
  uint32_t probation_ms;
  uint32_t probation_max_ms;
  uint32_t restart_spread_ms;
  int64_t install_after; /**< UTC in milliseconds since 1970. */
  tbo_window_t between;
  uint64_t clock_wait_ends; /**< When a time to install is passed over if the device does not know the time. */
  uint64_t spread_ends;     /**< When the restart spread is over, if `has_spread`. */
  uint32_t fruitless;
  uint32_t window_left;
  uint32_t requests;
  uint32_t cursor;        /**< Chunk that is compared or written. */
  uint32_t chunk_length;  /**< Length of the chunk that is written. */
  int32_t esp_err;        /**< Of the error for which the image is condemned. */
  uint8_t condemned_for;  /**< tbo_code_t */
  uint8_t phase;          /**< tbo_phase_t */
  uint8_t flash_failures;
  bool waives_project_name;
  bool is_writing;
  bool saw_chunk_zero;
  bool started_over;
  bool trusts_flash; /**< The last reset cut nothing off in the slot. */
  bool is_timed;     /**< The offer states a time to install. */
  bool needs_clock;  /**< It insists on it. */
  bool has_spread;
} tbo_download_t;

/** Activities of a machine. */
typedef enum { TBO_RESTING, TBO_DOWNLOADS, TBO_ON_PROBATION, TBO_CONDEMNS } tbo_activity_t;

/** An error in reports. */
typedef struct {
  char code[TBO_CODE_SIZE]; /**< Empty without an error. */
  int32_t esp_err;          /**< 0 without one. */
} tbo_error_t;

/** The part of a report whose change is reported at once. */
typedef struct {
  uint32_t epoch, sequence, key_set;
  uint8_t offer[16];
  uint8_t state;
  bool has_offer, has_clock, is_stalled;
  char code[TBO_CODE_SIZE];
} tbo_report_key_t;

/** Where the parts of a message go. */
typedef enum { TBO_RX_NONE, TBO_RX_BUFFER, TBO_RX_HASHES, TBO_RX_SKIP } tbo_rx_target_t;

/** The message that arrives. */
typedef struct {
  size_t total, received;
  uint8_t image[16]; /**< Of a hash list's topic. */
  uint8_t kind;      /**< tbo_topic_kind_t */
  uint8_t target;    /**< tbo_rx_target_t */
  bool is_retained;
  bool is_broken; /**< Its parts do not fit together. */
  bool is_busy;   /**< The message buffer was in use when it began. */
} tbo_rx_t;

struct tbo {
  /* What is used most comes first, where the instructions that reach it are short. */
  const tbo_port_t *port;
  uint8_t *message; /**< TBO_MESSAGE_MAX bytes. */
  char *scratch;    /**< TBO_SCRATCH_SIZE bytes. */
  uint32_t *area;   /**< Bitmap and hash list. */
  size_t area_size;
  uint32_t keys_epoch; /**< Epoch of the trusted key set; 0 without one. */
  uint64_t now;
  uint8_t activity;     /**< tbo_activity_t */
  uint8_t rest_state;   /**< tbo_state_t */
  uint8_t refused_code; /**< tbo_code_t */
  uint8_t keys_source;  /**< tbo_keys_t */
  uint8_t held_operation; /**< tbo_flash_t */
  uint8_t network;      /**< tbo_network_t, for the image on probation. */
  bool is_booted, is_connected;
  bool is_flash_open;   /**< A flash operation is under way. */
  bool is_flash_held;   /**< Another one waits for its answer, which is of a former activity. */
  bool has_offer, has_image;
  bool has_passed;      /**< The image on probation passed the application's check. */
  bool is_decided;      /**< The flash was asked to confirm that image or to roll back. */
  bool is_locked;       /**< The stored key set can't be used, so no offer is accepted. */
  bool is_offer_waiting;
  bool is_extended;    /**< The probation is: the broker does not answer. */
  bool is_clock_awaited; /**< An offer was rejected because the device does not know the time. */
  bool is_reboot_held; /**< The application forbids the restart. */
  bool is_will_stale;  /**< An offer ended since the will was set. */
  bool has_clock;
  bool is_programming; /**< The message buffer holds bytes that are being written. */
  bool is_report_timer_set;
  bool is_retry_due;
  bool has_asked, has_reported;
  uint32_t chunks_received, chunks_useful;
  uint32_t requests; /**< Of downloads that have ended. */
  uint32_t refused;
  tbo_rx_t rx;
  tbo_download_t download;
  tbo_error_t error;
  uint8_t offer[16];  /**< The offer that reports name. */
  uint8_t image[32];  /**< SHA-256 of its image. */
  tbo_config_t config;
  tbo_boot_t boot;
  uint64_t reported_at, asked_at;
  uint64_t probation_latest; /**< When an extended probation is over. */
  uint32_t probation_ms;     /**< Of the image on probation. */
  int64_t clock; /**< UTC minus the time of the events. */
  uint32_t held_offset, held_length; /**< Of the flash operation that waits. */
  uint32_t dropped[TBO_DROP_COUNT];
  tbo_report_key_t reported;
  tbo_time_t keys_issued_at;
  tbo_record_t record;
  tbo_attempt_t tried; /**< The attempt on probation, as it began. */
  tbo_examination_t exam;
  tbo_verdicts_t verdicts[TBO_JUDGE_COUNT][2];
  tbo_budget_t answers;
  tbo_budget_t budgets[TBO_JUDGE_COUNT][2]; /**< The second one is for retained messages. */
};

/* ---- receiver.c ---- */

/** Returns the state that reports name. */
tbo_state_t tbo_state(const tbo_t *tbo);
/** Rests in a state. */
void tbo_rest(tbo_t *tbo, tbo_state_t state);
/** Rests in a state because the offer ended, and renews the will, which contradicts that. */
void tbo_end_offer(tbo_t *tbo, tbo_state_t state);
/** Ends an event: reports what changed. */
void tbo_end_event(tbo_t *tbo);
/** Ends the current offer: stores its outcome and rests. */
void tbo_finish(tbo_t *tbo, tbo_outcome_kind_t outcome, const tbo_attempt_t *attempt);
/** Counts a dropped message. */
void tbo_drop(tbo_t *tbo, tbo_drop_t reason);
/** Counts a refused message. */
void tbo_refuse(tbo_t *tbo, tbo_drop_t reason, tbo_code_t code);
/** Sets the error in reports. */
void tbo_set_error(tbo_t *tbo, tbo_code_t code, int32_t esp_err);
/** Writes the record to NVS. */
void tbo_store_record(tbo_t *tbo);
/** Writes the trusted key set to NVS; `text` has room for eight bytes before it. */
void tbo_store_keys(tbo_t *tbo, char *text, size_t length);
/** Subscribes to key sets and offers. */
void tbo_subscribe_to_offers(tbo_t *tbo);
/** Subscribes to a topic, or unsubscribes if `is_wanted` is false. */
void tbo_subscribe(tbo_t *tbo, tbo_topic_kind_t kind, const uint8_t *image, bool is_wanted);
/** Returns whether the message buffer holds a chunk that is being written. */
bool tbo_is_writing(const tbo_t *tbo);
/** Writes a topic of the device or an image. */
void tbo_topic(const tbo_t *tbo, tbo_topic_kind_t kind, const uint8_t *image, char out[TBO_TOPIC_SIZE]);
/** Sets a timer. */
void tbo_set_timer(tbo_t *tbo, tbo_timer_t timer, uint64_t at);
/** Requests a flash operation. */
void tbo_flash(tbo_t *tbo, tbo_flash_t operation, uint32_t offset, uint32_t length, const uint8_t *bytes);
/** Stores the attempt and sets the downloaded image to boot. The download must be in TBO_PHASE_READY. */
void tbo_set_to_boot(tbo_t *tbo);
/** Ends the download in a failure. */
void tbo_fail_download(tbo_t *tbo, tbo_code_t code, int32_t esp_err);
/** Ends the download. `next` is the image that is downloaded next, or NULL. */
void tbo_end_download(tbo_t *tbo, tbo_state_t state, const uint8_t *next);

/* ---- names.c ---- */

/** Returns the code that a text names; TBO_CODE_COUNT if this version does not know it. */
tbo_code_t tbo_code_of(const char *text);

/* ---- boot.c ---- */

/** Decides the result of the last offer from the stored record and the running image, and begins the first activity. */
void tbo_on_booted(tbo_t *tbo, const tbo_boot_t *boot);

/* ---- take_up.c ---- */

/** Takes an authentic offer whose release is decoded in the message buffer. */
void tbo_take_up(tbo_t *tbo, const tbo_offer_t *offer, const tbo_release_t *release, const uint8_t payload_sha256[32],
                 bool is_known);
/** Rests with the outcome of an offer that ended earlier. */
void tbo_resume(tbo_t *tbo);
/** Returns whether an image runs. */
bool tbo_is_running(const tbo_t *tbo, const uint8_t image[32]);

/* ---- offer_check.c ---- */

/**
 * Returns why the device can't take an offer, as far as it can know before the first erase; TBO_CODE_NONE if it can.
 *
 * @param has_clock The device knows the time, or took the offer while it did.
 */
tbo_code_t tbo_offer_problem(const tbo_t *tbo, const tbo_offer_t *offer, const tbo_release_t *release, bool has_clock);
/** Returns the latest time that has certainly passed, or NULL. */
const tbo_time_t *tbo_time_floor(const tbo_t *tbo, uint32_t epoch, tbo_time_t *scratch);

/* ---- install.c ---- */

/** Sets a verified image to boot, unless something holds it back. Does nothing without such an image. */
void tbo_proceed(tbo_t *tbo);

/* ---- gate.c ---- */

/** Handles an offer in the message buffer. */
void tbo_on_offer(tbo_t *tbo, size_t length, bool is_retained);
/** Handles a key set in the message buffer. */
void tbo_on_key_set(tbo_t *tbo, size_t length, bool is_retained);
/** Handles the answer to a verify request. */
void tbo_on_verified(tbo_t *tbo, bool is_valid);
/** Drops an envelope that can't be examined now. */
void tbo_postpone(tbo_t *tbo, tbo_drop_t reason);
/** Handles the timer TBO_TIMER_VERIFY. */
void tbo_on_verify_timer(tbo_t *tbo);

/* ---- keys.c ---- */

/** Trusts the provisioned key set, if there is one. Returns why it can't be used, or NULL. */
const char *tbo_keys_init(tbo_t *tbo);
/** Restores trust after a reset: the later one of the provisioned and the stored key set counts. */
void tbo_keys_resume(tbo_t *tbo);
/** Trusts the key set that was examined, whose document stands in the message buffer. */
void tbo_keys_take(tbo_t *tbo, const tbo_key_set_t *set);

/* ---- trust.c ---- */

/** Result of an examination. */
typedef enum { TBO_EXAM_CHECK, TBO_EXAM_POSTPONED, TBO_EXAM_DONE } tbo_exam_result_t;

/**
 * Begins to examine the envelope in `tbo->exam`, or finds an earlier verdict.
 *
 * @param problem What is wrong with a key set before its signatures are tried.
 * @param code Receives the verdict if the result is TBO_EXAM_DONE.
 */
tbo_exam_result_t tbo_exam_begin(tbo_t *tbo, tbo_judge_t judge, bool is_retained, unsigned count, tbo_code_t problem,
                                 tbo_code_t *code);
/** Continues with the answer to the last check. */
tbo_exam_result_t tbo_exam_answer(tbo_t *tbo, bool is_valid, tbo_code_t *code);
/** Forgets all verdicts on key sets. */
void tbo_forget_key_sets(tbo_t *tbo);
/** Parses a key set in the text that the port lends. Returns false without a key set. */
bool tbo_keys_open(tbo_t *tbo, tbo_keys_t which, tbo_key_set_t *set);
/** Returns why the device can't verify what a role of a key set signs, or TBO_CODE_NONE. */
tbo_code_t tbo_keys_problem(tbo_t *tbo, const tbo_key_set_t *set);

/* ---- budget.c ---- */

/** Returns how many may be spent now. */
unsigned tbo_budget_left(tbo_budget_t *budget, unsigned limit, uint64_t now);
/** Returns when the whole budget is there; `now` if it is. */
uint64_t tbo_budget_ready_at(tbo_budget_t *budget, uint64_t now);
/** Spends one. */
void tbo_budget_spend(tbo_budget_t *budget, uint64_t now);

/* ---- download.c ---- */

/** Starts a download. */
void tbo_download_start(tbo_t *tbo, const tbo_offer_t *offer, const tbo_release_t *release);
/** Subscribes to the image's topics, and asks for what is missing. */
void tbo_download_join(tbo_t *tbo);
/** Unsubscribes from the image's topics, except from those of the image `next`. */
void tbo_download_leave(tbo_t *tbo, const uint8_t *next);
/** Handles a hash list, which stands in its place in memory if `is_in_place`. */
void tbo_on_hashes(tbo_t *tbo, const uint8_t image[16], size_t length, bool is_in_place);
/** Handles a chunk in the message buffer. */
void tbo_on_chunk(tbo_t *tbo, size_t length);
/** Handles the timer TBO_TIMER_REQUEST. */
void tbo_download_timer(tbo_t *tbo);
/** Handles the answer to a flash request. */
void tbo_download_flash(tbo_t *tbo, const tbo_flash_answer_t *answer);
/** Returns whether the download keeps asking, and neither the hash list nor a useful chunk arrives. */
bool tbo_is_stalled(const tbo_t *tbo);
/** Returns the state of the download. */
tbo_state_t tbo_download_state(const tbo_t *tbo);

/* ---- request.c ---- */

/** Asks for the missing chunks. */
void tbo_ask(tbo_t *tbo);
/** Sets the timer TBO_TIMER_REQUEST for the next request. */
void tbo_ask_later(tbo_t *tbo);

/* ---- probation.c ---- */

/** Starts the probation of the attempt in the record, or of an image that no offer brought. */
void tbo_probation_start(tbo_t *tbo);
/** Sets the time that the image has, and the time up to which that may be extended. */
void tbo_probation_begin(tbo_t *tbo, uint32_t duration_ms, uint32_t max_ms);
/** Gives up the image on probation. */
void tbo_give_up(tbo_t *tbo, tbo_code_t code);
/** Gives up the image because its time is over. */
void tbo_probation_over(tbo_t *tbo);
/** Handles a connection during a probation. */
void tbo_probation_connected(tbo_t *tbo);
/** Handles the application's own verdict. */
void tbo_probation_self_test(tbo_t *tbo, bool passed);
/** Handles the answer to a flash request during a probation. */
void tbo_probation_flash(tbo_t *tbo, const tbo_flash_answer_t *answer);

/* ---- rx.c ---- */

/** Abandons the message that is arriving. */
void tbo_rx_abandon(tbo_t *tbo);

/* ---- report.c ---- */

/** Reports now. */
void tbo_report_publish(tbo_t *tbo);
/** Reports if the last report said something else. */
void tbo_report_changed(tbo_t *tbo);
/** Reports progress, at most once per interval. */
void tbo_report_progress(tbo_t *tbo);
/** Spends one answer of this minute. */
bool tbo_may_answer(tbo_t *tbo, bool is_authentic);
/** Answers the sender of an offer that does not change the state. */
void tbo_answer(tbo_t *tbo, const uint8_t offer[16], tbo_state_t state, tbo_code_t code, bool is_authentic);

#endif
