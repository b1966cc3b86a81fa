// Catch2 2 is a header only and brings its main this way; Catch2 3 has a library for it.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
