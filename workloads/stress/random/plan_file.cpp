#include "workloads/stress/random/plan_file.hpp"

#include <cerrno>
#include <sys/mman.h>
#include <sys/stat.h>

namespace faultline::stress {
namespace {

constexpr std::size_t steps_offset = 64;
static_assert(sizeof(PlanHead) <= steps_offset);

} // namespace

Result<Fd> make_plan_file(const KeptPlan& kept) {
    const std::size_t bytes = steps_offset + kept.steps.size() * sizeof(Step);
    Fd file(::memfd_create("faultline-plan", MFD_CLOEXEC));
    const PlanHead head{kept.steps.size(), kept.seed, kept.blocks, kept.threads, kept.lanes};
    void* map = MAP_FAILED;
    if (file && ::ftruncate(file.get(), static_cast<off_t>(bytes)) == 0) {
        map = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    }
    if (map == MAP_FAILED) {
        return fail_errno(Exit::os, "", "cannot make shared memory for a plan", errno);
    }
    *static_cast<PlanHead*>(map) = head;
    std::copy(kept.steps.begin(), kept.steps.end(),
              reinterpret_cast<Step*>(static_cast<char*>(map) + steps_offset));
    ::munmap(map, bytes);
    return file;
}

MappedPlan map_plan_file(int fd) {
    struct stat about {};
    void* map = MAP_FAILED;
    if (::fstat(fd, &about) == 0) {
        map = ::mmap(nullptr, static_cast<std::size_t>(about.st_size), PROT_READ, MAP_SHARED, fd, 0);
    }
    if (map == MAP_FAILED) {
        ::_exit(static_cast<int>(Exit::os));
    }
    const auto& head = *static_cast<const PlanHead*>(map);
    const auto* steps = reinterpret_cast<const Step*>(static_cast<const char*>(map) + steps_offset);
    return {{{steps, head.steps}, head.blocks, head.threads, head.lanes}, head.seed};
}

} // namespace faultline::stress
