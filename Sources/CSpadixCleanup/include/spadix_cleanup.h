// What must not stay behind when the process ends early: files that are still being written, folders made for them.
#ifndef SPADIX_CLEANUP_H
#define SPADIX_CLEANUP_H

#include <stdbool.h>

// One path that is removed at the end of the process unless it is kept.
typedef struct spadix_leftover spadix_leftover;

// Registers a path before it is made. Null when there is no memory. Folders are removed only when they are empty.
// From the first call on, SIGINT, SIGTERM and SIGHUP remove what is registered before they end the process, unless they
// are ignored or handled by others.
spadix_leftover *spadix_leftover_add(const char *path, bool is_folder);

// The path is whole now, or gone.
void spadix_leftover_keep(spadix_leftover *leftover);

// Between the two calls, a signal waits: for renaming several files as if they were one.
void spadix_signals_hold(void);
void spadix_signals_release(void);

#endif
