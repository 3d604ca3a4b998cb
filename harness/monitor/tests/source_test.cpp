#include "harness/monitor/source.hpp"

#include "kernel-probes/check/known_child.hpp"
#include "kernel-probes/tree.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

using namespace faultline;
using monitor::Frame;
using monitor::Source;
using probes::KnownChild;

TEST(Source, CountsWhatAProcessDoesBetweenTwoSamples) {
    auto child = KnownChild::start();
    ASSERT_TRUE(child);
    auto source = Source::attach(child->pid(), {"faults", "rss", "cpu"});
    ASSERT_TRUE(source) << source.error().line();
    const auto before = source->take();
    ASSERT_TRUE(child->do_deed(KnownChild::Deed::touch_pages, 5000));
    const Frame frame(before, source->take());
    EXPECT_EQ(frame.now().processes, 1U);
    EXPECT_NEAR(frame.rate("minor_faults").value_or(0) * frame.seconds(), 5000, 100);
    EXPECT_GT(frame.value("rss_anon_bytes").value_or(0), 5000U * 4096);
}

// The test itself has a child: both are of the tree.
TEST(Source, AddsUpTheMemoryOfAProcessAndItsChildren) {
    auto child = KnownChild::start();
    ASSERT_TRUE(child);
    ASSERT_TRUE(child->do_deed(KnownChild::Deed::touch_pages, 20000));
    const auto tree = probes::process_tree(::getpid());
    ASSERT_EQ(tree.size(), 2U);
    EXPECT_EQ(tree[1], child->pid());
    auto source = Source::attach(::getpid(), {"rss"});
    ASSERT_TRUE(source);
    const auto sample = source->take();
    EXPECT_EQ(sample.processes, 2U);
    EXPECT_GT(sample.figures.at("rss_anon_bytes").value.value_or(0), 20000U * 4096);
}

TEST(Source, ProcessThatIsNotThereIsAnError) {
    const auto source = Source::attach(1 << 30, {"rss"});
    ASSERT_FALSE(source);
    EXPECT_EQ(source.error().status, Exit::unavailable);
}
