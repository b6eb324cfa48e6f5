// Makes a thread's event loop the place where the jobs of its tasks run that have no executor of
// their own: the "generic executor", on which every continuation resumes.
#pragma once

/// Takes over a job; both are pointers that Swift gave: the loop, and the job. Zero: the loop has
/// stopped, and the job goes to the process's pool of threads.
typedef int (*cconcurrency_enqueue)(void *_Nonnull loop, void *_Nonnull job);

/// Makes `loop` the generic executor of the calling thread, by a function that is the same for all
/// threads. Null: the thread has none any more, and its jobs go to the process's pool of threads.
void cconcurrency_adopt_thread(void *_Nullable loop, cconcurrency_enqueue _Nonnull enqueue);
