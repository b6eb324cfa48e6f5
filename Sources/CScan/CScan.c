// The header is all there is; this file lets the package manager see a target, and the compiler
// see the header on its own.
#include "CScan.h"
