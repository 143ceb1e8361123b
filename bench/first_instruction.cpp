// A job that says when it began: CLOCK_MONOTONIC in nanoseconds, read before anything else.

#include <cstdio>
#include <ctime>

int main() {
    timespec now{};
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) return 1;
    const long long second_ns = 1'000'000'000;
    std::printf("%lld\n", now.tv_sec * second_ns + now.tv_nsec);
    return 0;
}
