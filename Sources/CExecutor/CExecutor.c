#include "CExecutor.h"

typedef __attribute__((swiftcall)) void (*enqueue_original)(void *job);
typedef __attribute__((swiftcall)) void (*enqueue_hook)(void *job, enqueue_original original);

// swift/Runtime/Concurrency.h
extern enqueue_hook swift_task_enqueueGlobal_hook;

static _Thread_local void *own_loop;
static _Thread_local cexecutor_take own_take;

static __attribute__((swiftcall)) void enqueue(void *job, enqueue_original original) {
  if (own_loop) {
    own_take(own_loop, job);
  } else {
    original(job);
  }
}

void cexecutor_adopt(void *loop, cexecutor_take take) {
  own_loop = loop;
  own_take = take;
  // The same value from every thread; the runtime reads it with a plain load.
  __atomic_store_n(&swift_task_enqueueGlobal_hook, enqueue, __ATOMIC_RELAXED);
}
