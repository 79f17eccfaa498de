// SPDX-License-Identifier: MIT
/**
 * @file
 * TinyBMS OTA for ESP-IDF: takes firmware updates over the application's own esp-mqtt client, and resumes them after
 * lost connections and power cuts.
 *
 * Order of calls: tinybms_ota_read_provisioning(), tinybms_ota_configure_mqtt(), esp_mqtt_client_init(),
 * tinybms_ota_start(), esp_mqtt_client_start().
 */
#ifndef ESP_TINYBMS_OTA_H
#define ESP_TINYBMS_OTA_H

#include "tinybms_ota.h"

#include "esp_err.h"
#include "esp_event.h"
#include "mqtt_client.h"
#include "sdkconfig.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

ESP_EVENT_DECLARE_BASE(TINYBMS_OTA_EVENT);

/** Events on the default event loop. Their data is a tinybms_ota_event_t. */
typedef enum {
  TINYBMS_OTA_EVENT_STATE,     /**< The state changed. */
  TINYBMS_OTA_EVENT_PROGRESS,  /**< Another hundredth of the image is in flash. */
  TINYBMS_OTA_EVENT_REBOOT,    /**< The device restarts into the new image. */
  TINYBMS_OTA_EVENT_CONFIRMED, /**< The running image is confirmed. */
  TINYBMS_OTA_EVENT_FAILED     /**< An update failed, was refused or was rolled back. */
} tinybms_ota_event_id_t;

/** Data of an event. */
typedef struct {
  tbo_state_t state;
  tbo_code_t error;  /**< TBO_CODE_NONE without an error; tbo_code_text() returns its name. */
  uint32_t received; /**< Chunks in flash. */
  uint32_t total;    /**< Chunks of the image; 0 without a download. */
} tinybms_ota_event_t;

/** What `tinybms-ota provision` stored in NVS. Members are NULL if NVS does not have them. */
typedef struct {
  char *device;      /**< Name of the device in topics. */
  char *broker;      /**< URL of the broker. */
  char *topic;       /**< Topic of the product. */
  char *product;     /**< Name of the product. */
  char *username;
  char *password;
  char *ca_cert;     /**< PEM of the authorities of the broker's certificate. */
  char *client_cert; /**< PEM of the device's own certificate. */
  char *client_key;  /**< PEM of its private key. */
  bool allow_unsigned;
} tinybms_ota_provisioning_t;

/** A running update service. */
typedef struct tinybms_ota *tinybms_ota_handle_t;

/** Configuration of tinybms_ota_start(). Start from TINYBMS_OTA_CONFIG_DEFAULT(). */
typedef struct {
  /** Identity of the device. `device`, `topic` and `product` are required. Must live until tinybms_ota_stop(). */
  const tinybms_ota_provisioning_t *provisioning;
  /**
   * The application's client, initialized and not started. The service adds a handler, which handles only its own
   * topics.
   */
  esp_mqtt_client_handle_t mqtt;
  /**
   * The configuration from which `mqtt` was made. The service sets the will with it before each connection, because
   * esp_mqtt_set_config() resets every setting that it does not receive. Must live until tinybms_ota_stop(), and must
   * have no will.
   */
  const esp_mqtt_client_config_t *mqtt_config;
  /**
   * Tests a new image after it reached the broker. Runs in the task of the service and must return within the probation.
   * NULL: reaching the broker is the test.
   */
  bool (*self_test)(void *context);
  /** Returns whether the device may restart into a new image now. Called once a second. NULL: it may. */
  bool (*may_reboot)(void *context);
  /** First parameter of both functions. */
  void *context;
  /** Wait for tinybms_ota_confirm() or tinybms_ota_reject() instead of calling `self_test`. */
  bool is_confirmed_by_hand;
  uint32_t task_stack;
  uint32_t task_priority; /**< Below esp-mqtt's (5): the service hashes and verifies. */
  int task_core;          /**< -1: any. */
} tinybms_ota_config_t;

/** Defaults from Kconfig. */
#define TINYBMS_OTA_CONFIG_DEFAULT()                    \
  {                                                     \
    .task_stack = CONFIG_TINYBMS_OTA_TASK_STACK,        \
    .task_priority = CONFIG_TINYBMS_OTA_TASK_PRIORITY,  \
    .task_core = -1,                                    \
  }

/**
 * Reads what `tinybms-ota provision` stored in the NVS partition `nvs`. Call nvs_flash_init() first.
 *
 * Do not erase NVS if nvs_flash_init() fails: the identity of the device is in it.
 *
 * @param[out] provisioning Allocated; tinybms_ota_free_provisioning() frees it.
 * @return
 *  - ESP_OK
 *  - ESP_ERR_NVS_NOT_FOUND: the device is not provisioned
 *  - ESP_ERR_INVALID_VERSION: another layout of provisioning
 *  - ESP_ERR_NO_MEM
 */
esp_err_t tinybms_ota_read_provisioning(tinybms_ota_provisioning_t *provisioning);

/** Frees the members of a provisioning and sets them to NULL. */
void tinybms_ota_free_provisioning(tinybms_ota_provisioning_t *provisioning);

/**
 * Sets broker, credentials, certificates and the client identifier of an MQTT configuration.
 *
 * @param provisioning Must live as long as the client: the configuration points into it.
 */
void tinybms_ota_configure_mqtt(const tinybms_ota_provisioning_t *provisioning, esp_mqtt_client_config_t *mqtt);

/**
 * Starts the service: repairs the boot selection after a fallback, and continues where the last start ended.
 *
 * @return
 *  - ESP_OK
 *  - ESP_ERR_INVALID_ARG: a member of the configuration is missing, or `mqtt_config` has a will; the log says which
 *  - ESP_ERR_NO_MEM
 *  - an error of NVS
 */
esp_err_t tinybms_ota_start(const tinybms_ota_config_t *config, tinybms_ota_handle_t *handle);

/** Stops the service and frees it. Do not call it from a handler of MQTT events or from a hook. */
esp_err_t tinybms_ota_stop(tinybms_ota_handle_t handle);

/** Ends the self-test of a new image: it passed. */
esp_err_t tinybms_ota_confirm(tinybms_ota_handle_t handle);

/** Ends the self-test of a new image: it failed, and the device returns to the previous image. */
esp_err_t tinybms_ota_reject(tinybms_ota_handle_t handle);

/** Cancels the download. A later offer starts another one. */
esp_err_t tinybms_ota_cancel(tinybms_ota_handle_t handle);

/** Returns a summary as of the last event that the service handled. */
esp_err_t tinybms_ota_get_status(tinybms_ota_handle_t handle, tbo_status_t *status);

#ifdef __cplusplus
}
#endif
#endif
