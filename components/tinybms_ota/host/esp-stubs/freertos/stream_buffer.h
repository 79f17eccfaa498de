// SPDX-License-Identifier: MIT
// Stand-in for ESP-IDF's header of this name: the names that the port uses, as the documentation of ESP-IDF states them.
#pragma once
#include "FreeRTOS.h"
typedef struct fake_stream *StreamBufferHandle_t;
StreamBufferHandle_t xStreamBufferCreate(size_t size, size_t trigger);
size_t xStreamBufferSend(StreamBufferHandle_t stream, const void *bytes, size_t length, TickType_t ticks);
size_t xStreamBufferReceive(StreamBufferHandle_t stream, void *bytes, size_t length, TickType_t ticks);
size_t xStreamBufferBytesAvailable(StreamBufferHandle_t stream);
void vStreamBufferDelete(StreamBufferHandle_t stream);
