/* An external delegate that takes no operator: the runtime's own kernels go on to run all of them.
 *
 * Options: "log", a file to which it writes what it is asked; "refuse", not to start; "fail", not to take the graph.
 * The structures are the first fields of those in tensorflow/lite/core/c/common.h.
 * cc -shared -fPIC -o delegate.so delegate.c */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  int size;
} IntArray;

typedef struct Context {
  size_t tensors_size;
  int (*GetExecutionPlan)(struct Context*, IntArray**);
} Context;

typedef struct Delegate {
  void* data;
  int (*Prepare)(Context*, struct Delegate*);
  void* buffer_handles[3];
  int64_t flags;
  void* opaque_builder;
} Delegate;

typedef struct {
  char log[4096];
  int fail;
} State;

static void note(const State* state, const char* what, int number) {
  FILE* file = state->log[0] ? fopen(state->log, "a") : NULL;
  if (file == NULL) return;
  fprintf(file, "%s %d\n", what, number);
  fclose(file);
}

static int prepare(Context* context, Delegate* delegate) {
  const State* state = delegate->data;
  IntArray* plan = NULL;
  if (state->fail || context->GetExecutionPlan(context, &plan) != 0) return 1;
  note(state, "operators", plan->size);
  return 0;
}

Delegate* tflite_plugin_create_delegate(char** keys, char** values, size_t count, void (*report)(const char*)) {
  State* state = calloc(1, sizeof(State));
  Delegate* delegate = calloc(1, sizeof(Delegate));
  delegate->data = state;
  delegate->Prepare = prepare;
  for (size_t i = 0; i < count; ++i) {
    if (strcmp(keys[i], "log") == 0) strncpy(state->log, values[i], sizeof(state->log) - 1);
    if (strcmp(keys[i], "fail") == 0) state->fail = 1;
    if (strcmp(keys[i], "refuse") == 0) {
      report("no such device");
      return NULL;
    }
  }
  note(state, "options", (int)count);
  return delegate;
}

void tflite_plugin_destroy_delegate(Delegate* delegate) {
  if (delegate == NULL) return;
  note(delegate->data, "destroyed", 1);
  free(delegate->data);
  free(delegate);
}
