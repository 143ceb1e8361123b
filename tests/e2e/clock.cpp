// A wall clock that a test sets: preloaded into a program, it adds the seconds that stand in the
// file SHOAL_TEST_CLOCK, 8 bytes, little-endian. All other clocks go on as they are.

#include <cstdint>
#include <cstdlib>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

namespace {

const volatile std::int64_t* map_offset() {
    static const std::int64_t none = 0;
    const char* path = std::getenv("SHOAL_TEST_CLOCK");
    const int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return &none;
    void* mapped = mmap(nullptr, sizeof none, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    return mapped == MAP_FAILED ? &none : static_cast<const std::int64_t*>(mapped);
}

std::int64_t offset() {
    static const volatile std::int64_t* const mapped = map_offset();
    return *mapped;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* now) {
    const long failed = syscall(SYS_clock_gettime, clock, now);
    if (failed == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        now->tv_sec += offset();
    }
    return static_cast<int>(failed);
}

int gettimeofday(timeval* now, void* /*zone*/) {
    timespec precise{};
    const int failed = clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return failed;
}

time_t time(time_t* now) {
    timespec precise{};
    clock_gettime(CLOCK_REALTIME, &precise);
    if (now) *now = precise.tv_sec;
    return precise.tv_sec;
}
}
