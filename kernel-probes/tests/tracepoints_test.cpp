// Against types that are made here: what kernels of other versions say.
#include "kernel-probes/bpf/tracepoints.hpp"

#include <bpf/btf.h>
#include <gtest/gtest.h>
#include <memory>

using namespace faultline::probes::bpf;

namespace {

class Tracepoints : public ::testing::Test {
  protected:
    Tracepoints() : types_(btf__new_empty(), btf__free) {
        void_pointer_ = btf__add_ptr(types(), 0);
        const int unsigned_long = btf__add_int(types(), "long unsigned int", 8, 0);
        size_t_ = btf__add_typedef(types(), "size_t", unsigned_long);
    }

    btf* types() { return types_.get(); }

    // typedef void (*btf_trace_NAME)(void *data, ...)
    void add(const char* typedef_name, std::initializer_list<int> arguments) {
        const int function = btf__add_func_proto(types(), 0);
        btf__add_func_param(types(), "__data", void_pointer_);
        for (const int type : arguments) {
            btf__add_func_param(types(), "", type);
        }
        btf__add_typedef(types(), typedef_name, btf__add_ptr(types(), function));
    }

    std::unique_ptr<btf, void (*)(btf*)> types_;
    int void_pointer_ = 0;
    int size_t_ = 0;
};

TEST_F(Tracepoints, ThoseOfLinux61AndOf519) {
    const int cache = btf__add_ptr(types(), btf__add_struct(types(), "kmem_cache", 8));
    // The call's address, the block, bytes wanted, bytes given, ...; 5.19 and 6.0: the cache before the bytes.
    add("btf_trace_kmalloc", {size_t_, void_pointer_, size_t_, size_t_});
    add("btf_trace_kmalloc_of_519", {size_t_, void_pointer_, cache, size_t_, size_t_});
    EXPECT_EQ(type_of_argument(types(), "kmalloc", 2), "size_t");
    EXPECT_EQ(type_of_argument(types(), "kmalloc_of_519", 2), "");
    EXPECT_EQ(type_of_argument(types(), "kmalloc_of_519", 3), "size_t");
    EXPECT_EQ(type_of_argument(types(), "kmalloc", 1), "") << "a pointer";
}

TEST_F(Tracepoints, ThatAreNotThere) {
    add("btf_trace_kfree", {size_t_});
    EXPECT_TRUE(has_tracepoint(types(), "kfree"));
    EXPECT_FALSE(has_tracepoint(types(), "kmalloc"));
    EXPECT_EQ(type_of_argument(types(), "kmalloc", 0), "");
    EXPECT_EQ(type_of_argument(types(), "kfree", 1), "") << "behind the last";
    btf__add_typedef(types(), "btf_trace_odd", size_t_);
    EXPECT_EQ(type_of_argument(types(), "odd", 0), "") << "no pointer to a function";
}

} // namespace
