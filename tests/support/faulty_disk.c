/* A disk that fails: writes and syncs of the chats' files fail now and then, as errno says.
 *
 * Loaded with LD_PRELOAD. FAULTY_NAME: what the path of a file has to contain. FAULTY_EVERY: one in
 * so many calls fails, once the file FAULTY_FROM is there. FAULTY_SEED: of the chances.
 * A write that fails may have been done in part, as on a real disk.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static unsigned seed;
static int every = -1;
static const char *name, *from;

static int fails(int fd) {
    char link[64], path[4096];
    if (every < 0) {
        const char *said = getenv("FAULTY_EVERY");
        every = said ? atoi(said) : 0;
        name = getenv("FAULTY_NAME");
        from = getenv("FAULTY_FROM");
        said = getenv("FAULTY_SEED");
        seed = said ? (unsigned)atoi(said) : 1;
    }
    if (every == 0 || name == NULL || from == NULL || access(from, F_OK) != 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (strstr(path, name) == NULL || rand_r(&seed) % (unsigned)every != 0) return 0;
    return rand_r(&seed) % 2 ? EIO : ENOSPC;
}

#define REAL(result, function, ...)                                              \
    static result (*real)(__VA_ARGS__);                                          \
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, function);

ssize_t pwrite64(int fd, const void *data, size_t size, off_t at) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off_t)
    int error = fails(fd);
    if (error == 0) return real(fd, data, size, at);
    if (size > 1) real(fd, data, size / 2, at);
    errno = error;
    return -1;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    return pwrite64(fd, data, size, at);
}

ssize_t write(int fd, const void *data, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t)
    int error = fd > 2 ? fails(fd) : 0;
    if (error == 0) return real(fd, data, size);
    errno = error;
    return -1;
}

int fdatasync(int fd) {
    REAL(int, "fdatasync", int)
    int error = fails(fd);
    if (error == 0) return real(fd);
    errno = EIO;
    return -1;
}

int fsync(int fd) {
    REAL(int, "fsync", int)
    int error = fails(fd);
    if (error == 0) return real(fd);
    errno = EIO;
    return -1;
}

int ftruncate64(int fd, off_t size) {
    REAL(int, "ftruncate64", int, off_t)
    int error = fails(fd);
    if (error == 0) return real(fd, size);
    errno = EIO;
    return -1;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }
