// SPDX-License-Identifier: MIT
#include "fake.h"

#include "esp_event.h"
#include "esp_log.h"
#include "esp_netif.h"
#include "esp_random.h"
#include "esp_rom_crc.h"
#include "esp_system.h"
#include "esp_efuse.h"
#include "esp_timer.h"
#include "freertos/semphr.h"
#include "freertos/stream_buffer.h"
#include "freertos/task.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TASKS_MAX 4u

struct fake_task {
  pthread_t thread;
  pthread_cond_t wake;
  TaskFunction_t code;
  void *argument;
  fake_ready_t ready;
  void *context;
  uint64_t deadline; /**< UINT64_MAX: none */
  uint32_t notified;
  bool has_ended;
};

uint64_t fake_now = 0;
static pthread_mutex_t baton = PTHREAD_MUTEX_INITIALIZER;
/** The first one is the test itself, which plays esp-mqtt's task. */
static struct fake_task tasks[TASKS_MAX] = {{.wake = PTHREAD_COND_INITIALIZER}};
static unsigned task_count = 1;
static struct fake_task *current = &tasks[0];

static bool always(void *context) {
  (void)context;
  return true;
}

static bool can_run(struct fake_task *task) {
  if (task->has_ended) return false;
  return task->ready(task->context) || task->deadline <= fake_now;
}

/** Hands the baton to a task that can run: the test comes last. */
static void hand_over(void) {
  struct fake_task *self = current;
  struct fake_task *next = NULL;
  for (unsigned i = task_count; i-- > 0 && next == NULL;) {
    if (can_run(&tasks[i])) next = &tasks[i];
  }
  if (next == NULL) {
    printf("deadlock\n");
    fflush(stdout);
    abort();
  }
  current = next;
  if (next == self) return;
  pthread_cond_signal(&next->wake);
  while (current != self && !self->has_ended) pthread_cond_wait(&self->wake, &baton);
}

bool fake_wait(fake_ready_t ready, void *context, uint32_t ticks) {
  struct fake_task *self = current;
  self->ready = ready;
  self->context = context;
  self->deadline = ticks == portMAX_DELAY ? UINT64_MAX : fake_now + ticks;
  while (!ready(context)) {
    if (self->deadline <= fake_now) return false;
    hand_over();
  }
  return true;
}

void fake_settle(void) {
  current->ready = always;
  current->deadline = UINT64_MAX;
  hand_over();
}

void fake_pass(uint64_t ms) {
  const uint64_t end = fake_now + ms;
  fake_settle();
  for (;;) {
    uint64_t next = end;
    for (unsigned i = 1; i < task_count; i++) {
      if (!tasks[i].has_ended && tasks[i].deadline < next) next = tasks[i].deadline;
    }
    if (next > fake_now) fake_now = next;
    fake_settle();
    if (fake_now >= end) return;
  }
}

static void *run_task(void *argument) {
  struct fake_task *self = argument;
  pthread_mutex_lock(&baton);
  while (current != self) pthread_cond_wait(&self->wake, &baton);
  self->code(self->argument);
  return NULL;
}

BaseType_t xTaskCreatePinnedToCore(TaskFunction_t code, const char *name, uint32_t stack, void *context,
                                   UBaseType_t priority, TaskHandle_t *task, BaseType_t core) {
  (void)name, (void)stack, (void)priority, (void)core;
  if (task_count == 1) pthread_mutex_lock(&baton);
  if (task_count == TASKS_MAX) return pdFALSE;
  struct fake_task *made = &tasks[task_count++];
  *made = (struct fake_task){.code = code, .argument = context, .ready = always, .deadline = UINT64_MAX};
  pthread_cond_init(&made->wake, NULL);
  *task = made;
  return pthread_create(&made->thread, NULL, run_task, made) == 0 ? pdPASS : pdFALSE;
}

void vTaskDelete(TaskHandle_t task) {
  (void)task;
  current->has_ended = true;
  hand_over();
  pthread_mutex_unlock(&baton);
  pthread_exit(NULL);
}

void vTaskDelay(TickType_t ticks) {
  fake_now += ticks;
}

static bool is_notified(void *context) {
  return ((struct fake_task *)context)->notified > 0;
}

uint32_t ulTaskNotifyTake(BaseType_t clear, TickType_t ticks) {
  (void)clear;
  fake_wait(is_notified, current, ticks);
  const uint32_t notified = current->notified;
  current->notified = 0;
  return notified;
}

BaseType_t xTaskNotifyGive(TaskHandle_t task) {
  task->notified++;
  return pdPASS;
}

struct fake_queue {
  size_t size, length, count;
  char items[];
};

static bool has_item(void *context) {
  return ((struct fake_queue *)context)->count > 0;
}

static bool has_room(void *context) {
  const struct fake_queue *queue = context;
  return queue->count < queue->length;
}

QueueHandle_t xQueueCreate(UBaseType_t length, UBaseType_t size) {
  struct fake_queue *queue = calloc(1, sizeof *queue + (size_t)length * size);
  if (queue != NULL) *queue = (struct fake_queue){.size = size, .length = length};
  return queue;
}

BaseType_t xQueueSend(QueueHandle_t queue, const void *item, TickType_t ticks) {
  if (!fake_wait(has_room, queue, ticks)) return pdFALSE;
  if (queue->size > 0) memcpy(queue->items + queue->size * queue->count, item, queue->size);
  queue->count++;
  return pdTRUE;
}

BaseType_t xQueueReceive(QueueHandle_t queue, void *item, TickType_t ticks) {
  if (!fake_wait(has_item, queue, ticks)) return pdFALSE;
  queue->count--;
  if (queue->size > 0) {
    memcpy(item, queue->items, queue->size);
    memmove(queue->items, queue->items + queue->size, queue->size * queue->count);
  }
  return pdTRUE;
}

UBaseType_t uxQueueMessagesWaiting(QueueHandle_t queue) {
  return (UBaseType_t)queue->count;
}

void vQueueDelete(QueueHandle_t queue) {
  free(queue);
}

SemaphoreHandle_t xSemaphoreCreateCounting(UBaseType_t max, UBaseType_t initial) {
  SemaphoreHandle_t semaphore = xQueueCreate(max, 0);
  if (semaphore != NULL) semaphore->count = initial;
  return semaphore;
}

SemaphoreHandle_t xSemaphoreCreateMutex(void) {
  return xSemaphoreCreateCounting(1, 1);
}

BaseType_t xSemaphoreTake(SemaphoreHandle_t semaphore, TickType_t ticks) {
  return xQueueReceive(semaphore, NULL, ticks);
}

BaseType_t xSemaphoreGive(SemaphoreHandle_t semaphore) {
  return xQueueSend(semaphore, NULL, 0);
}

void vSemaphoreDelete(SemaphoreHandle_t semaphore) {
  free(semaphore);
}

struct fake_stream {
  size_t size, used, wanted;
  char bytes[];
};

static bool has_bytes(void *context) {
  return ((struct fake_stream *)context)->used > 0;
}

static bool has_space(void *context) {
  const struct fake_stream *stream = context;
  return stream->size - stream->used >= stream->wanted;
}

StreamBufferHandle_t xStreamBufferCreate(size_t size, size_t trigger) {
  struct fake_stream *stream = calloc(1, sizeof *stream + size);
  (void)trigger;
  if (stream != NULL) stream->size = size;
  return stream;
}

size_t xStreamBufferSend(StreamBufferHandle_t stream, const void *bytes, size_t length, TickType_t ticks) {
  stream->wanted = length;
  if (!fake_wait(has_space, stream, ticks)) return 0;
  memcpy(stream->bytes + stream->used, bytes, length);
  stream->used += length;
  return length;
}

size_t xStreamBufferReceive(StreamBufferHandle_t stream, void *bytes, size_t length, TickType_t ticks) {
  if (!fake_wait(has_bytes, stream, ticks)) return 0;
  const size_t taken = length < stream->used ? length : stream->used;
  memcpy(bytes, stream->bytes, taken);
  stream->used -= taken;
  memmove(stream->bytes, stream->bytes + taken, stream->used);
  return taken;
}

size_t xStreamBufferBytesAvailable(StreamBufferHandle_t stream) {
  return stream->used;
}

void vStreamBufferDelete(StreamBufferHandle_t stream) {
  free(stream);
}

int64_t esp_timer_get_time(void) {
  return (int64_t)fake_now * 1000;
}

uint32_t esp_random(void) {
  static uint32_t state = 1;
  state = state * 1664525u + 1013904223u;
  return state;
}

uint32_t esp_efuse_read_secure_version(void) {
  return 0;
}

uint32_t esp_rom_crc32_le(uint32_t crc, uint8_t const *bytes, uint32_t length) {
  crc = ~crc;
  for (uint32_t i = 0; i < length; i++) {
    crc ^= bytes[i];
    for (unsigned bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1u)));
  }
  return ~crc;
}

esp_netif_t *esp_netif_get_default_netif(void) {
  return NULL;
}

bool esp_netif_is_netif_up(esp_netif_t *netif) {
  (void)netif;
  return false;
}

const char *esp_err_to_name(esp_err_t code) {
  static char text[16];
  snprintf(text, sizeof text, "0x%x", (unsigned)code);
  return text;
}

void fake_log(char level, const char *tag, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  printf("log %c %s: ", level, tag);
  vprintf(format, arguments);
  printf("\n");
  va_end(arguments);
}

esp_err_t esp_event_post(esp_event_base_t base, int32_t id, const void *data, size_t size, TickType_t ticks) {
  (void)data, (void)size, (void)ticks;
  printf("event %s %d\n", base, (int)id);
  return ESP_OK;
}
