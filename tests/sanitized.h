// Whether this is an instrumented build, in which the longest tests do less.
#pragma once

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ATTUNE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ATTUNE_SANITIZED 1
#endif
#endif
#ifndef ATTUNE_SANITIZED
#define ATTUNE_SANITIZED 0
#endif

inline constexpr bool sanitized = ATTUNE_SANITIZED;
