#include "base/sha256.hpp"

#include <gtest/gtest.h>

// Known answers of FIPS 180-4's example messages.
TEST(Sha256, GivesTheStandardsOwnAnswers) {
    EXPECT_EQ(faultline::sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(faultline::sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, OfAMissingFileIsAnError) {
    EXPECT_EQ(faultline::sha256_of_file("/nonexistent/file").error().status, faultline::Exit::no_input);
}
