// What glibc's C++ library headers expect of their C library and musl does not have. Included before everything by
// musl-g++: Debian ships musl without a C++ library, and the installed one, built for glibc, serves a program
// that keeps away from locales, streams and threads.
#pragma once

#include <locale.h>

#define __GLIBC_PREREQ(major, minor) 0
#define __locale_t locale_t

// <bits/ctype_base.h> names the masks of glibc's <ctype.h>; nobody looks anything up with them here.
enum {
  _ISupper = 1 << 0,
  _ISlower = 1 << 1,
  _ISalpha = 1 << 2,
  _ISdigit = 1 << 3,
  _ISxdigit = 1 << 4,
  _ISspace = 1 << 5,
  _ISprint = 1 << 6,
  _ISgraph = 1 << 7,
  _ISblank = 1 << 8,
  _IScntrl = 1 << 9,
  _ISpunct = 1 << 10,
  _ISalnum = 1 << 11
};

#include <bits/c++config.h>
#undef _GLIBCXX_USE_PTHREAD_COND_CLOCKWAIT
#undef _GLIBCXX_USE_PTHREAD_MUTEX_CLOCKLOCK
