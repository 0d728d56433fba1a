#ifndef DOMICILE_CLINUX_SHIM_H
#define DOMICILE_CLINUX_SHIM_H

#include <malloc.h>
#include <fcntl.h>

/* glibc declares it for _GNU_SOURCE only, which the module of its headers is built without. */
extern int pipe2(int ends[2], int flags);

#endif
