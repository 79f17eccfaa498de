// SPDX-License-Identifier: MIT
// Stand-in for ESP-IDF's header of this name: the names that the port uses, as the documentation of ESP-IDF states them.
#pragma once
#include "FreeRTOS.h"
typedef struct fake_task *TaskHandle_t;
typedef void (*TaskFunction_t)(void *context);
BaseType_t xTaskCreatePinnedToCore(TaskFunction_t code, const char *name, uint32_t stack, void *context,
                                   UBaseType_t priority, TaskHandle_t *task, BaseType_t core);
void vTaskDelete(TaskHandle_t task);
void vTaskDelay(TickType_t ticks);
uint32_t ulTaskNotifyTake(BaseType_t clear, TickType_t ticks);
BaseType_t xTaskNotifyGive(TaskHandle_t task);
