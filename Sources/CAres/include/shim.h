// The asynchronous resolver library c-ares.
#include <ares.h>
