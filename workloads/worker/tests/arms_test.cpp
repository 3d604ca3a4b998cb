// The same work for every arm: each installed allocator gives each workload the same checksum.
#include "allocators/registry/registry.hpp"
#include "workloads/catalog/tests/tiny.hpp"
#include "workloads/worker/tests/worker_process.hpp"

#include <gtest/gtest.h>

using namespace faultline;

TEST(Arms, ChecksumsAreEqualUnderEveryInstalledAllocator) {
    std::map<std::string, std::string> expected; // by workload, from `system`
    for (const registry::Listed& listed : registry::list_all()) {
        if (!listed.allocator)
            continue; // not installed
        for (const engine::WorkloadSpec* spec : catalog()) {
            const auto arguments = tests::tiny_arguments(*spec, 11);
            if (!arguments || !spec->has_allocator_axis())
                continue; // it needs a file, or no allocator
            tests::WorkerOptions options{.arguments = {"--workload=" + label(*spec, *arguments), "--seed=11"},
                                         .report = true};
            if (listed.allocator->preload)
                options.environment.push_back("LD_PRELOAD=" + listed.allocator->path.string());
            tests::Worker worker(options);
            ASSERT_EQ(worker.wait(), 0)
                << listed.known->name << " " << spec->name << ": " << worker.error_output();
            const nlohmann::json report = worker.report();
            EXPECT_EQ(registry::judge_resolution(*listed.allocator, "malloc",
                                                 report["resolved"]["malloc"].get<std::string>()),
                      "");
            const std::string checksum = report["checksum"];
            const auto [first, is_new] = expected.emplace(spec->name, checksum);
            EXPECT_EQ(first->second, checksum) << listed.known->name << " " << spec->name;
        }
    }
    EXPECT_FALSE(expected.empty());
}
