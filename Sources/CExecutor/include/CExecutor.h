// Where a job of Swift's concurrency goes that is bound to no actor, such as every continuation that is
// resumed. By default that is a pool of threads; a worker's jobs have to stay on its own thread. The
// runtime has a hook for it since Swift 5.5, which is called by Swift's convention and so is out of
// Swift's own reach.
#pragma once

/// Takes a job (a `Job *` of the runtime) for the loop that was given to `cexecutor_adopt`.
typedef void (*cexecutor_take)(void *_Nonnull loop, void *_Nonnull job);

/// Sends the jobs that are enqueued on this thread, and bound to no actor, to `loop` from now on. With
/// NULL they go to the pool again. The threads that never call this keep the pool.
void cexecutor_adopt(void *_Nullable loop, cexecutor_take _Nonnull take);
