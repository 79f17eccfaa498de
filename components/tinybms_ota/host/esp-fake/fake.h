// SPDX-License-Identifier: MIT
/**
 * A small ESP-IDF on the host, for tests of the port: FreeRTOS with virtual time, flash in RAM, NVS in RAM, and an MQTT
 * client whose network is the test. Tasks are threads of which one runs at a time, so that a run repeats exactly.
 */
#ifndef TBO_FAKE_H
#define TBO_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* kernel.c */

/** Milliseconds since the start. */
extern uint64_t fake_now;
/** Returns whether what a task waits for is there. */
typedef bool (*fake_ready_t)(void *context);
/** Waits for something, or until a time has passed. A wait that nothing can end is a deadlock, and aborts. */
bool fake_wait(fake_ready_t ready, void *context, uint32_t ticks);
/** Lets the tasks run until all of them wait. */
void fake_settle(void);
/** Lets time pass, and the tasks run whenever one of them has waited long enough. */
void fake_pass(uint64_t ms);

/* flash.c */

/** Loads a flash image and its partition table at 0x8000. */
bool fake_flash_load(const char *path);
bool fake_flash_save(const char *path);
/** Sets the partition that runs, by its label. */
bool fake_flash_run(const char *label);

/* nvs.c */

/** Stores a value: type `u` (number), `s` (string) or `b` (blob, hexadecimal digits). */
void fake_nvs_put(char type, const char *space, const char *key, const char *value);
/** Prints all values, one a line, as fake_nvs_put() takes them; strings in hexadecimal digits. */
void fake_nvs_print(void);
/** Makes the next writes fail with ESP_ERR_NVS_NOT_ENOUGH_SPACE. */
extern bool fake_nvs_is_full;

/* mqtt.c */

void fake_mqtt_connect(void);
void fake_mqtt_disconnect(void);
/** The broker refuses a subscription. esp-mqtt gives the error with the event of the acknowledgement. */
void fake_mqtt_refuse(void);
/** Delivers a message in pieces of esp-mqtt's default buffer. */
void fake_mqtt_message(char *topic, char *payload, size_t length, bool is_retained);

#endif
