/* A library that is no allocator. */
int faultline_test_answer(void) {
    return 42;
}
