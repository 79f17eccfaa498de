/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The device's side of the TinyBMS OTA protocol (docs/protocol.md) as a state machine: events go in, actions come out
 * through a table of functions. The library allocates nothing, keeps no global state and calls no operating system.
 *
 * Rules of use:
 *
 * - Call the functions of one machine from one task at a time.
 * - The first event is TBO_EV_BOOTED. The machine ignores what arrives before.
 * - The functions of tbo_port_t run inside tbo_handle() and tbo_rx_end(). They must not call the machine.
 * - Each `flash` request is answered by one TBO_EV_FLASH, each `verify` request by one TBO_EV_VERIFIED, after the call
 *   that made the request has returned. At most one flash request and one verify request are open at a time.
 */
#ifndef TINYBMS_OTA_H
#define TINYBMS_OTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Version of this interface. */
#define TBO_API_VERSION 1
/** Size of a chunk in bytes: one flash sector. */
#define TBO_CHUNK_SIZE 4096u
/** Size of the message buffer: a chunk with its header. Offers and key sets have at most 4 096 bytes. */
#define TBO_MESSAGE_MAX 4116u
/** Size of the scratch buffer: the longest request or report with its terminating zero. */
#define TBO_SCRATCH_SIZE 1028u
/** Size reserved for the machine's own fields. */
#define TBO_STATE_SIZE (sizeof(void *) > 4u ? 3072u : 2304u)
/** Chunks of an image of `slot` bytes. */
#define TBO_CHUNKS(slot) (((slot) + TBO_CHUNK_SIZE - 1u) / TBO_CHUNK_SIZE)
/** Size of the bitmap and the hash list of an image of `slot` bytes. */
#define TBO_LIST_SIZE(slot) (4u * ((TBO_CHUNKS(slot) + 31u) / 32u) + 16u * TBO_CHUNKS(slot))
/** Bytes of memory that a machine needs for images of at most `slot` bytes. */
#define TBO_MEMORY(slot) (TBO_STATE_SIZE + TBO_SCRATCH_SIZE + TBO_MESSAGE_MAX + TBO_LIST_SIZE(slot))

/** A machine. It is at the start of the memory given to tbo_init(). */
typedef struct tbo tbo_t;

/** States of a device, as reports name them. */
typedef enum {
  TBO_STATE_IDLE,
  TBO_STATE_WAITING,
  TBO_STATE_CHECKING,
  TBO_STATE_DOWNLOADING,
  TBO_STATE_VERIFYING,
  TBO_STATE_READY_TO_REBOOT,
  TBO_STATE_PENDING_VERIFY,
  TBO_STATE_CONFIRMED,
  TBO_STATE_REJECTED,
  TBO_STATE_ROLLED_BACK,
  TBO_STATE_FAILED,
  TBO_STATE_COUNT
} tbo_state_t;

/** Error codes that the machine reports or counts; tbo_code_text() returns their names. */
typedef enum {
  TBO_CODE_NONE,
  TBO_CODE_SELF_TEST_FAILED,
  TBO_CODE_ATTEMPTS_EXHAUSTED,
  TBO_CODE_NO_ROLLBACK,
  TBO_CODE_IMAGE_MISMATCH,
  TBO_CODE_IMAGE_REJECTED,
  TBO_CODE_FLASH_FAILED,
  TBO_CODE_WITHDRAWN,
  TBO_CODE_WRONG_EPOCH,
  TBO_CODE_UNTRUSTED,
  TBO_CODE_STALE,
  TBO_CODE_SEQUENCE_CONFLICT,
  TBO_CODE_UNSUPPORTED,
  TBO_CODE_EXPIRED,
  TBO_CODE_WRONG_PRODUCT,
  TBO_CODE_WRONG_CHIP,
  TBO_CODE_WRONG_HARDWARE,
  TBO_CODE_SECURE_VERSION,
  TBO_CODE_CONSTRAINT,
  TBO_CODE_NO_SLOT,
  TBO_CODE_TOO_LARGE,
  TBO_CODE_WRONG_PROJECT,
  TBO_CODE_UNSIGNED,
  TBO_CODE_THRESHOLD,
  TBO_CODE_BAD_SIGNATURE,
  TBO_CODE_WRONG_ALGORITHM,
  TBO_CODE_REVOKED_KEY,
  TBO_CODE_WRONG_ROLE,
  TBO_CODE_UNKNOWN_KEY,
  TBO_CODE_KEY_SET_EPOCH,
  TBO_CODE_KEY_SET_PRODUCT,
  TBO_CODE_KEY_MALFORMED,
  TBO_CODE_KEY_UNSUPPORTED,
  TBO_CODE_UNSUPPORTED_ALGORITHM,
  TBO_CODE_MALFORMED,
  TBO_CODE_MESSAGE_TOO_LARGE,
  TBO_CODE_BROKER_NOT_REACHED,
  TBO_CODE_BROKER_REFUSED,
  TBO_CODE_NETWORK_DOWN,
  TBO_CODE_SELF_TEST_UNANSWERED,
  TBO_CODE_COUNT
} tbo_code_t;

/** Reasons for which the machine drops a message. */
typedef enum {
  TBO_DROP_MALFORMED,
  TBO_DROP_NOT_FOR_US,
  TBO_DROP_STALE_OFFER,
  TBO_DROP_UNTRUSTED,
  TBO_DROP_TOO_MANY,
  TBO_DROP_NOT_DOWNLOADING,
  TBO_DROP_OTHER_IMAGE,
  TBO_DROP_OUT_OF_RANGE,
  TBO_DROP_DUPLICATE,
  TBO_DROP_EARLY,
  TBO_DROP_BUSY,
  TBO_DROP_HASH_MISMATCH,
  TBO_DROP_UNSUPPORTED,
  TBO_DROP_COUNT
} tbo_drop_t;

/** Timers of a machine. */
typedef enum {
  /** Time to request chunks or the hash list again. */
  TBO_TIMER_REQUEST,
  /** End of the probation of an image. */
  TBO_TIMER_PROBATION,
  /** Time at which a delayed progress report may be sent. */
  TBO_TIMER_REPORT,
  /** Time to subscribe again for messages that could not be verified. */
  TBO_TIMER_VERIFY,
  /** Time to decide again whether a verified image may be set to boot. */
  TBO_TIMER_INSTALL,
  TBO_TIMER_COUNT
} tbo_timer_t;

/** Flash operations. Offsets count from the start of the target slot. */
typedef enum {
  /** Read `length` bytes at `offset`. */
  TBO_FLASH_READ,
  /** Erase the 4 KiB sector at `offset`. */
  TBO_FLASH_ERASE,
  /** Write `length` bytes at `offset`. They stay in place until the answer. */
  TBO_FLASH_PROGRAM,
  /** Read the image in the target slot once: hash its first `length` bytes, and check it as `esp_image_verify` does. */
  TBO_FLASH_VERIFY_IMAGE,
  /** `esp_ota_invalidate_inactive_ota_data_slot`. */
  TBO_FLASH_INVALIDATE_OTADATA,
  /** `esp_ota_set_boot_partition` of the target slot. */
  TBO_FLASH_SET_BOOT,
  /** `esp_ota_mark_app_valid_cancel_rollback`. */
  TBO_FLASH_MARK_VALID,
  /** `esp_ota_mark_app_invalid_rollback_and_reboot`. Answered only if it fails. */
  TBO_FLASH_ROLL_BACK
} tbo_flash_t;

/** Texts that the device keeps in NVS. */
typedef enum {
  /** The record: accepted offer, attempt, outcome. */
  TBO_STORE_RECORD,
  /** The trusted key set. */
  TBO_STORE_KEY_SET
} tbo_store_t;

/** Key sets that the port lends. */
typedef enum {
  /** The JSON document with which the device was provisioned. */
  TBO_KEYS_PROVISIONED,
  /** The text last given to `store` with TBO_STORE_KEY_SET. */
  TBO_KEYS_STORED
} tbo_keys_t;

/** Signature algorithms. A set of them is the sum of its members. */
typedef enum {
  /** Any other. */
  TBO_ALG_UNKNOWN = 0,
  /** `ecdsa-p256-sha256`; signatures are DER. */
  TBO_ALG_ECDSA_P256 = 1,
  /** `rsa-pkcs1v15-sha256` with 2048 to 4096 bits. */
  TBO_ALG_RSA_PKCS1V15 = 2,
  /** `ed25519`. Not in the device profile: it needs the whole document, where the other algorithms need its digest. */
  TBO_ALG_ED25519 = 4
} tbo_algorithm_t;

/** Kinds of signed documents. */
typedef enum { TBO_KIND_OFFER, TBO_KIND_RELEASE, TBO_KIND_KEYS } tbo_kind_t;

/** A run of bytes. */
typedef struct {
  const uint8_t *bytes;
  size_t length;
} tbo_piece_t;

/** A question whether a signature is valid. */
typedef struct {
  tbo_kind_t kind;
  tbo_algorithm_t algorithm;
  /** Key as DER SubjectPublicKeyInfo. Valid until the call returns. */
  tbo_piece_t spki;
  /**
   * The part of `spki` that psa_import_key() takes: an uncompressed point for ECDSA, an RSAPublicKey for RSA. Valid
   * until the call returns.
   */
  tbo_piece_t key;
  /** The signed document. The signed bytes are `tinybms-ota/KIND/v1`, a zero byte and this. Valid until the answer. */
  tbo_piece_t payload;
  /** SHA-256 of the signed bytes. Valid until the answer. */
  const uint8_t *digest;
  /** DER for ECDSA, as many bytes as the modulus for RSA. Valid until the answer. */
  tbo_piece_t signature;
} tbo_verify_t;

/** Functions that the machine calls. Each receives `context` first. */
typedef struct {
  void *context;

  /** Subscribes with QoS 1. A repeated subscription must reach the broker, because it then repeats retained messages. */
  void (*subscribe)(void *context, const char *topic);
  void (*unsubscribe)(void *context, const char *topic);
  /** Publishes. `topic` and `payload` are valid until the call returns. */
  void (*publish)(void *context, const char *topic, const uint8_t *payload, size_t length, int qos, bool retain);

  /** Sets a timer, or moves it. `at_ms` is on the clock of the events, and not before the event that is handled. */
  void (*set_timer)(void *context, tbo_timer_t timer, uint64_t at_ms);
  void (*clear_timer)(void *context, tbo_timer_t timer);

  /** Requests a flash operation. */
  void (*flash)(void *context, tbo_flash_t operation, uint32_t offset, uint32_t length, const uint8_t *bytes);
  /** Writes a text to NVS before it returns, so that a power cut leaves the old or the new text. */
  void (*store)(void *context, tbo_store_t what, const char *text, size_t length);
  /**
   * Lends a key set until the call of tbo_handle() or tbo_rx_end() returns.
   *
   * @return NULL if the device has no such key set.
   */
  const char *(*lend_keys)(void *context, tbo_keys_t which, size_t *length);
  /** Sets the connection's will again from tbo_report(), which requires a new connection. It may wait; may be NULL. */
  void (*renew_will)(void *context);
  /** Restarts the device after published messages are sent. */
  void (*reboot)(void *context);

  /** Computes the SHA-256 of `head` followed by `body`; each may be NULL if its length is 0. In software: tbo_sha256(). */
  void (*sha256)(void *context, const uint8_t *head, size_t head_length, const uint8_t *body, size_t body_length,
                 uint8_t digest[32]);
  /**
   * Returns whether an uncompressed point (0x04, x, y) is on the curve P-256, for the keys of a key set. In software:
   * tbo_p256_has_point().
   */
  bool (*has_point)(void *context, const uint8_t point[65]);
  /** Requests a verification. */
  void (*verify)(void *context, const tbo_verify_t *question);
  /** Returns a random number from 0 to `limit` − 1; `limit` is at least 1. */
  uint32_t (*random_below)(void *context, uint32_t limit);
} tbo_port_t;

/** Computes SHA-256 in software (FIPS 180-4), for ports without a function of their own. `context` is ignored. */
void tbo_sha256(void *context, const uint8_t *head, size_t head_length, const uint8_t *body, size_t body_length,
                uint8_t digest[32]);

/** Checks a point in software, for ports whose crypto library does not. `context` is ignored. */
bool tbo_p256_has_point(void *context, const uint8_t point[65]);

/** Times of a device. */
typedef struct {
  /** Time from the last useful chunk to the next request, in milliseconds; a random time of the same length is added. */
  uint32_t retry_ms;
  /** Maximum time between two requests. */
  uint32_t retry_max_ms;
  /** Requests without a useful chunk after which the device reports `stalled`. */
  uint32_t stalled_after;
  /** Probation of a new image if the offer does not state one. */
  uint32_t probation_ms;
  /** Minimum time between two progress reports. */
  uint32_t report_ms;
} tbo_timing_t;

/** The protocol's default times. */
#define TBO_TIMING_DEFAULT {1500u, 60000u, 5u, 60000u, 1000u}

/** Algorithms of the device profile. */
#define TBO_ALGORITHMS_DEFAULT (TBO_ALG_ECDSA_P256 | TBO_ALG_RSA_PKCS1V15)

/** Identity of the device. The strings must live as long as the machine. */
typedef struct {
  const char *device;
  const char *topic_root;
  const char *product;
  /** `chip_id` of ESP-IDF's image header. */
  uint16_t chip_id;
  /** Sum of the tbo_algorithm_t that `verify` can do, for example TBO_ALGORITHMS_DEFAULT. */
  uint8_t algorithms;
  /** Accept unsigned offers on a device without a key set. */
  bool allow_unsigned;
  /** Number of chunks that the device accepts before it requests again; 0: no limit. */
  uint32_t window;
  tbo_timing_t timing;
} tbo_config_t;

/** State of the device at boot. The strings must live as long as the machine, `record` until tbo_handle() returns. */
typedef struct {
  const char *version;
  const char *project_name;
  /** Label of the running partition. */
  const char *slot;
  /** Earliest time at which the running image can have been built, ISO 8601 in UTC; NULL if unknown. */
  const char *built_at;
  /** SHA-256 of the running image as ESP-IDF measures it, signature sector included. */
  uint8_t sha256[32];
  /** The running image awaits confirmation. */
  bool pending_verify;
  /** The last reset was requested by software. */
  bool clean_reset;
  /** Bootloader and app were built with rollback. */
  bool rollback;
  /** otadata says that the image in the target slot failed. */
  bool target_condemned;
  /** Size of the target slot in bytes; 0 without a target slot. */
  uint32_t target_size;
  uint32_t boot_count;
  /** Lowest secure version that the eFuse lets boot. */
  uint32_t secure_version;
  /** The stored record; NULL without a record. */
  const char *record;
  size_t record_length;
} tbo_boot_t;

/** Result of TBO_FLASH_VERIFY_IMAGE. */
typedef struct {
  /** SHA-256 of the first `length` bytes of the slot. */
  uint8_t stored_sha256[32];
  /** 0 if `esp_image_verify` accepts the image, else its error; the members below are then invalid. */
  int32_t esp_err;
  /** SHA-256 of the image as ESP-IDF measures it: up to where the image ends by itself. */
  uint8_t sha256[32];
  uint32_t chip_id;
  uint32_t secure_version;
  const char *project_name;
} tbo_image_t;

/** Answer to a flash request. */
typedef struct {
  tbo_flash_t operation;
  /** 0 if it was done, else an `esp_err_t`. An image that TBO_FLASH_VERIFY_IMAGE read and refuses is done. */
  int32_t esp_err;
  /** Bytes of TBO_FLASH_READ. */
  tbo_piece_t bytes;
  /** Result of TBO_FLASH_VERIFY_IMAGE. */
  const tbo_image_t *image;
} tbo_flash_answer_t;

/** State of the device's network. */
typedef enum {
  TBO_NETWORK_DOWN,
  /** The network is up; the broker has neither accepted nor refused the device. */
  TBO_NETWORK_UP,
  /** The broker refused the connection. */
  TBO_NETWORK_BROKER_REFUSED,
  /** Nothing is known. */
  TBO_NETWORK_UNKNOWN
} tbo_network_t;

/** Types of events. */
typedef enum {
  /** The application started: `boot`. */
  TBO_EV_BOOTED,
  /** The broker accepted the connection. */
  TBO_EV_CONNECTED,
  TBO_EV_DISCONNECTED,
  /** A timer ran out: `timer`. */
  TBO_EV_TIMER,
  /** Answer to a flash request: `flash`. */
  TBO_EV_FLASH,
  /** Answer to a verify request: `flag`, whether the signature is valid. */
  TBO_EV_VERIFIED,
  /** The application's check of an image on probation ended: `flag`, whether it passed. */
  TBO_EV_SELF_TEST,
  /** Cancel the download. */
  TBO_EV_CANCEL,
  /** The device learned or lost the time, or its clock was set anew: `clock`. */
  TBO_EV_CLOCK,
  /** The network changed: `network`. */
  TBO_EV_NETWORK,
  /** The application allows or forbids the restart into a new image: `flag`. Allowed by default. */
  TBO_EV_MAY_REBOOT
} tbo_event_type_t;

/** An event. */
typedef struct {
  tbo_event_type_t type;
  /** Milliseconds on a monotonic clock. */
  uint64_t now_ms;
  union {
    const tbo_boot_t *boot;
    tbo_timer_t timer;
    tbo_flash_answer_t flash;
    bool flag;
    tbo_network_t network;
    struct {
      bool is_known;
      /** UTC in milliseconds since 1970. */
      uint64_t utc_ms;
    } clock;
  } u;
} tbo_event_t;

/** A summary of the machine, for the application. */
typedef struct {
  tbo_state_t state;
  /** TBO_CODE_COUNT for a code in the record that this version does not know. */
  tbo_code_t error;
  /** Chunks of the image in the slot, and chunks of the image; both 0 without a download. */
  uint32_t received;
  uint32_t total;
  /** Counters since boot. */
  uint32_t chunks_received;
  uint32_t chunks_useful;
  uint32_t requests;
  uint32_t refused;
  uint32_t dropped[TBO_DROP_COUNT];
} tbo_status_t;

/**
 * Creates a machine at the start of `memory`.
 *
 * @param config Copied, its strings are not.
 * @param port Must live as long as the machine.
 * @param memory Aligned to 8 bytes.
 * @param size Size of `memory`: TBO_MEMORY() of the target slot. The machine refuses images that need more.
 * @param problem Receives why it failed, as English text; may be NULL.
 * @return NULL if the memory is too small or not aligned, or if the config is invalid.
 */
tbo_t *tbo_init(const tbo_config_t *config, const tbo_port_t *port, void *memory, size_t size, const char **problem);

/** Handles one event. */
void tbo_handle(tbo_t *tbo, const tbo_event_t *event);

/**
 * Begins a message of `total` bytes.
 *
 * A message that begins before the last one ended replaces it.
 *
 * @param topic Not terminated.
 * @param is_retained RETAIN flag of the PUBLISH.
 * @return false while the message buffer is in use. Then either keep the message back and begin again after the next
 *   TBO_EV_FLASH or TBO_EV_VERIFIED, or go on with tbo_rx_data() and tbo_rx_end(): the machine drops the message.
 */
bool tbo_rx_begin(tbo_t *tbo, const char *topic, size_t topic_length, size_t total, bool is_retained);

/**
 * Returns where the machine keeps a part of the message. A port that receives the part there, and then gives the same
 * address to tbo_rx_data(), saves the copy.
 *
 * Only the port may change the `length` bytes, and only until it calls another function of the machine.
 *
 * @return NULL for a part that the machine does not keep: of a message that it drops, or that does not fit.
 */
uint8_t *tbo_rx_room(tbo_t *tbo, size_t offset, size_t length);

/**
 * Adds a part of the message. A part that does not continue the message makes tbo_rx_end() drop it.
 *
 * @param bytes The port's own, which are copied, or what tbo_rx_room() returned for this part.
 */
void tbo_rx_data(tbo_t *tbo, size_t offset, const uint8_t *bytes, size_t length);

/** Ends the message and handles it. */
void tbo_rx_end(tbo_t *tbo, uint64_t now_ms);

/**
 * Writes the state report as JSON, for example for the will.
 *
 * @param is_online false for the will.
 * @return Length of the report; 0 if `size` is too small. TBO_SCRATCH_SIZE is always enough.
 */
size_t tbo_report(const tbo_t *tbo, bool is_online, char *out, size_t size);

/** Fills in the summary. */
void tbo_status(const tbo_t *tbo, tbo_status_t *status);

/** Returns the name of an error code, for example `delivery/flash-failed`; an empty text for TBO_CODE_NONE. */
const char *tbo_code_text(tbo_code_t code);

/** Returns the name of a state, for example `ready-to-reboot`. */
const char *tbo_state_text(tbo_state_t state);

#ifdef __cplusplus
}
#endif
#endif
