#include "CConcurrency.h"
#include <pthread.h>
#include <stddef.h>

// Declared in the runtime's swift/Runtime/ConcurrencyHooks.def, for programs with event loops of
// their own: called for every job that is for no executor in particular.
#define SWIFTCALL __attribute__((swiftcall))
typedef SWIFTCALL void (*enqueue_original)(void *job);
typedef SWIFTCALL void (*enqueue_hook)(void *job, enqueue_original original);
extern enqueue_hook swift_task_enqueueGlobal_hook;

static _Thread_local void *loop_of_thread;
static _Thread_local cconcurrency_enqueue enqueue_on_loop;

static SWIFTCALL void enqueue_global(void *job, enqueue_original original) {
  void *loop = loop_of_thread;
  if (loop != NULL && enqueue_on_loop(loop, job)) return;
  original(job);
}

static void install(void) { swift_task_enqueueGlobal_hook = enqueue_global; }

void cconcurrency_adopt_thread(void *loop, cconcurrency_enqueue enqueue) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  loop_of_thread = loop;
  enqueue_on_loop = enqueue;
  pthread_once(&once, install);
}
