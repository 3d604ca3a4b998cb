#include "workloads/trace/recorder/recorder.hpp"

#include "workloads/trace/recorder/output.hpp"

#include <atomic>
#include <cerrno>
#include <ctime>
#include <pthread.h>
#include <sys/mman.h>
#include <type_traits>
#include <unistd.h>

namespace faultline::trace::recorder {
namespace {

constexpr std::uint64_t flush_after_ns = 250'000'000;

struct Buffer {
    Buffer* next = nullptr; // in the list of all; never changes
    std::uint32_t thread = 0;
    bool in_use = true;
    std::uint32_t written = 0;           // events already in the file; under the lock
    std::atomic<std::uint32_t> count{0}; // events appended; set back by its own thread, under the lock
    RawEvent events[buffer_events];
};

struct State {
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    std::atomic<Buffer*> buffers{nullptr}; // all there are
    std::atomic<std::uint32_t> threads{0};
    std::atomic<bool> is_off{false};
    std::uint64_t began = 0;
    pid_t process = 0;
    pthread_key_t key = 0;
    bool has_key = false;
    Output output;
};
// Other libraries' destructors and constructors allocate and free outside of ours: it must not have either.
constinit State state;
static_assert(std::is_trivially_destructible_v<State>);

__thread Buffer* own_buffer = nullptr;
__thread std::uint32_t own_thread = 0;
__thread bool has_number = false;
__thread int destructor_rounds = 0;

struct Locked {
    Locked() { ::pthread_mutex_lock(&state.lock); }
    ~Locked() { ::pthread_mutex_unlock(&state.lock); }
    Locked(const Locked&) = delete;
    Locked& operator=(const Locked&) = delete;
};

std::uint64_t clock_ns() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

// Under the lock. The owner may be appending meanwhile: what it has published is complete.
void write_out(Buffer& buffer) {
    const std::uint32_t count = buffer.count.load(std::memory_order_acquire);
    if (count > buffer.written) {
        state.output.write_events(buffer.events + buffer.written, count - buffer.written, buffer.thread);
        buffer.written = count;
    }
}

[[gnu::noinline]] void flush_own(Buffer& buffer) {
    const int saved = errno;
    {
        const Locked locked;
        write_out(buffer);
        buffer.written = 0;
        buffer.count.store(0, std::memory_order_release);
    }
    errno = saved;
}

Buffer* find_or_make_buffer() {
    const Locked locked;
    for (Buffer* buffer = state.buffers.load(std::memory_order_acquire); buffer != nullptr;
         buffer = buffer->next) {
        if (!buffer->in_use) {
            buffer->in_use = true;
            return buffer;
        }
    }
    void* memory =
        ::mmap(nullptr, sizeof(Buffer), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return nullptr;
    }
    auto* buffer = static_cast<Buffer*>(memory); // zeroed, which is how an empty one looks
    buffer->in_use = true;
    buffer->next = state.buffers.load(std::memory_order_relaxed);
    state.buffers.store(buffer, std::memory_order_release);
    return buffer;
}

// The thread's first event, or its first after its end: destructors of other keys may still free.
[[gnu::noinline]] Buffer* attach(std::uint64_t time) {
    const int saved = errno;
    Buffer* buffer = find_or_make_buffer();
    if (buffer != nullptr) {
        const bool is_new = !has_number;
        if (is_new) {
            own_thread = state.threads.fetch_add(1, std::memory_order_relaxed);
            has_number = true;
        }
        buffer->thread = own_thread;
        own_buffer = buffer;
        if (is_new) {
            append(Op::thread_start, time, nullptr, 0, 0); // not after the event that brought us here
        }
        if (state.has_key && is_new) {
            ::pthread_setspecific(state.key, buffer); // may allocate, which is recorded as any other call
        }
    }
    errno = saved;
    return buffer;
}

// Other keys' destructors may run after this one and free: it asks to be called again, and ends at the last
// round.
void end_thread(void* value) {
    if (++destructor_rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
        ::pthread_setspecific(state.key, value);
        return;
    }
    append(Op::thread_end, now(), nullptr, 0, 0);
    Buffer* buffer = own_buffer;
    if (buffer == nullptr) {
        return;
    }
    flush_own(*buffer);
    own_buffer = nullptr;
    const Locked locked;
    buffer->in_use = false;
}

void before_fork() {
    ::pthread_mutex_lock(&state.lock);
}
void after_fork_in_parent() {
    ::pthread_mutex_unlock(&state.lock);
}

// Only the calling thread lives on here; what the buffers hold is the parent's to write.
void after_fork_in_child() {
    for (Buffer* buffer = state.buffers.load(std::memory_order_relaxed); buffer != nullptr;
         buffer = buffer->next) {
        buffer->written = 0;
        buffer->count.store(0, std::memory_order_relaxed);
        buffer->in_use = buffer == own_buffer;
    }
    state.process = ::getpid();
    state.output.restart_in_child();
    ::pthread_mutex_init(&state.lock, nullptr);
}

[[gnu::constructor]] void begin(int /*argc*/, char** /*argv*/, char** environment) {
    state.process = ::getpid();
    {
        const Locked locked;
        if (!state.output.configure(environment)) {
            state.is_off.store(true, std::memory_order_relaxed);
            return;
        }
        state.output.open_file();
    }
    state.has_key = ::pthread_key_create(&state.key, end_thread) == 0;
    ::pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

[[gnu::destructor]] void end() {
    write_out_all();
    state.is_off.store(true, std::memory_order_relaxed);
}

} // namespace

std::uint64_t now() {
    const std::uint64_t time = clock_ns();
    if (state.began == 0) [[unlikely]] { // the first call of all: there is one thread
        state.began = time;
    }
    return time - state.began;
}

void append(Op op, std::uint64_t time, const void* pointer, std::size_t size, std::size_t extra) {
    if (state.is_off.load(std::memory_order_relaxed)) [[unlikely]] {
        return;
    }
    Buffer* buffer = own_buffer;
    if (buffer == nullptr) [[unlikely]] {
        buffer = attach(time);
        if (buffer == nullptr) {
            return;
        }
    }
    std::uint32_t count = buffer->count.load(std::memory_order_relaxed);
    if (count == buffer_events || (count != 0 && time - buffer->events[0].time > flush_after_ns))
        [[unlikely]] {
        flush_own(*buffer);
        count = 0;
    }
    RawEvent& event = buffer->events[count];
    event.time = time;
    event.pointer = reinterpret_cast<std::uintptr_t>(pointer);
    event.size = size;
    event.extra = extra;
    event.op = op;
    buffer->count.store(count + 1, std::memory_order_release);
}

void write_out_all() {
    if (state.is_off.load(std::memory_order_relaxed) || ::getpid() != state.process) {
        return;
    }
    const int saved = errno;
    {
        const Locked locked;
        for (Buffer* buffer = state.buffers.load(std::memory_order_acquire); buffer != nullptr;
             buffer = buffer->next) {
            write_out(*buffer);
        }
        state.output.write_end();
    }
    errno = saved;
}

} // namespace faultline::trace::recorder
