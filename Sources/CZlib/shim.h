#ifndef DOMICILE_CZLIB_SHIM_H
#define DOMICILE_CZLIB_SHIM_H

#include <zlib.h>

// deflateInit2 and inflateInit2 are macros, which Swift cannot call.
static inline int domicile_deflate_init(z_streamp stream, int level, int windowBits) {
  return deflateInit2(stream, level, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY);
}

static inline int domicile_inflate_init(z_streamp stream, int windowBits) {
  return inflateInit2(stream, windowBits);
}

#endif
