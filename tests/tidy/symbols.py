#!/usr/bin/env python3
"""Looks into the archives of the pure rooms (given as arguments) for calls that read clocks, draw random numbers, do I/O
or ask the environment. Only what our own objects leave undefined counts: the insides of protobuf and of the C++ library
are in their shared objects. `nm` is the compiler's own; without it the check is skipped (exit code 77)."""
import pathlib
import re
import shutil
import subprocess
import sys

from report import Report

# C names, exact, with the versions that the C library gives some of them.
FORBIDDEN = {
    "a clock": """time gettimeofday clock clock_gettime clock_getres clock_nanosleep nanosleep sleep usleep localtime
        localtime_r mktime timespec_get ftime times timer_create timerfd_create""",
    "random numbers": "rand rand_r random srand srandom drand48 lrand48 mrand48 getrandom getentropy arc4random",
    "the environment": "getenv secure_getenv setenv putenv unsetenv environ",
    "the system": """gethostname uname getpid getuid geteuid sysconf getpwuid getpwnam sched_getcpu sched_yield fork
        execve execv execvp posix_spawn posix_spawnp system popen kill signal sigaction exit _exit""",
    "files": """open open64 openat openat64 creat fopen fopen64 fdopen freopen read pread pread64 write pwrite pwrite64
        close unlink rename mkdir rmdir stat stat64 lstat fstat fsync fdatasync mmap mmap64 opendir readdir tmpfile
        mkstemp fread fwrite fgets fputs fputc putc puts putchar getline""",
    "sockets": """socket connect bind listen accept accept4 send sendto sendmsg recv recvfrom recvmsg poll ppoll select
        epoll_create epoll_create1 epoll_ctl epoll_wait getaddrinfo gethostbyname pipe pipe2 eventfd""",
    "printing": "printf fprintf vprintf vfprintf dprintf perror syslog __printf_chk __fprintf_chk __vfprintf_chk",
    "threads": "pthread_create pthread_mutex_lock pthread_cond_wait pthread_rwlock_wrlock",
}
# C++ names, by the beginning of their mangled form.
FORBIDDEN_CPP = [
    (re.compile(r"^_ZNSt6chrono.*(system|steady)_clock3nowEv"), "a clock"),
    (re.compile(r"^_ZNSt6thread"), "threads"),
    (re.compile(r"^_ZNSt18condition_variable"), "threads"),
    (re.compile(r"^_ZNSt13random_device"), "random numbers"),
    (re.compile(r"^_ZSt4(cout|cerr|clog)$|^_ZSt3cin$"), "printing"),
    (re.compile(r"^_ZN.*basic_[io]?fstream"), "files"),
    (re.compile(r"^_ZNSt10filesystem"), "files"),
    (re.compile(r"^_ZN.*6locale(C|11)"), "the environment (locales)"),
]
# The one exception: a failed ASSERT says so before it aborts (base/assert.h).
ALLOWED = {("base", "base_assert.cc.o"): {"fprintf", "__fprintf_chk", "fputs", "fwrite", "write", "fputc", "stderr"}}

NAMES = {name: why for why, names in FORBIDDEN.items() for name in names.split()}


def forbidden(symbol):
    plain = symbol.split("@")[0]
    if plain in NAMES:
        return NAMES[plain]
    for pattern, why in FORBIDDEN_CPP:
        if pattern.search(plain):
            return why
    return None


def undefined_symbols(nm, archive):
    """(object, symbol) pairs: what an object wants from elsewhere."""
    run = subprocess.run([nm, "-u", "-A", str(archive)], capture_output=True, text=True, check=True)
    for line in run.stdout.splitlines():
        # "libbase.a:ids.cc.o:                 U memcpy"; thin archives name the object with its path.
        head, _, symbol = line.rpartition(" ")
        place = head.rsplit(" ", 1)[0].strip().rstrip(":").removesuffix(" U").strip().rstrip(":")
        yield place.split(":")[-1].split("/")[-1], symbol.strip()


def main():
    nm = shutil.which("nm") or shutil.which("llvm-nm")
    archives = [pathlib.Path(argument) for argument in sys.argv[1:]]
    if nm is None:
        print("nm is not installed")
        sys.exit(77)
    report = Report()
    report.check(bool(archives), "symbols.py", "no archives were given", "meson passes the pure rooms' archives")
    seen = 0
    for archive in archives:
        room = archive.stem.removeprefix("lib")
        for name, symbol in undefined_symbols(nm, archive):
            seen += 1
            why = forbidden(symbol)
            excused = symbol.split("@")[0] in ALLOWED.get((room, name), set())
            report.check(why is None or excused, f"{archive.name} ({name})", f"calls {symbol}: {why}",
                         f"`{room}` is pure (src/README.md): take it as an argument, or do it in a room that may")
    report.check(seen > 0, "symbols.py", "no archive has an undefined symbol, which real ones cannot say",
                 "are they empty, or does nm not read them?")
    report.end()


if __name__ == "__main__":
    main()
