// prefetch: asks for a cache line before it is needed. Pure; any lcore; hot path.
#pragma once

namespace weir {

inline void prefetch(const void* at) noexcept {
  __builtin_prefetch(at);
  // To g++ 12 a function that only prefetches has no effect: it leaves out every call that it does not inline
  // early. This is one.
  asm volatile("" : : "r"(at));
}

}  // namespace weir
