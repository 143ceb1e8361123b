#pragma once

#include <condition_variable>
#include <mutex>

namespace shoal::io {

/// std::mutex with the names that clang's thread-safety analysis needs: a field declared
/// `int count_ __attribute__((guarded_by(mutex_)))` may be touched only under a Lock.
class [[clang::capability("mutex")]] Mutex {
public:
    void lock() __attribute__((acquire_capability())) { mutex_.lock(); }
    void unlock() __attribute__((release_capability())) { mutex_.unlock(); }

private:
    std::mutex mutex_;
};

class [[clang::scoped_lockable]] Lock {
public:
    explicit Lock(Mutex& mutex) __attribute__((acquire_capability(mutex))) : mutex_(mutex) {
        mutex_.lock();
    }
    ~Lock() __attribute__((release_capability())) { mutex_.unlock(); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

    /// Lets go of the mutex while it waits and holds it again afterwards; may wake for no reason.
    void wait(std::condition_variable_any& signal) { signal.wait(mutex_); }

private:
    Mutex& mutex_;
};

}  // namespace shoal::io
