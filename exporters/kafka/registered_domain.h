// RegisteredDomain: what of a name somebody has registered, by the Public Suffix List: the suffix and one
// label more. Read once by the control thread; any lcore asks.
#pragma once

#include <memory>
#include <string>

#include "core/result.h"

struct psl_ctx_st;

namespace weir {

class RegisteredDomain {
 public:
  // The newer of the system's list (package publicsuffix) and that of libpsl.
  static Result<std::shared_ptr<const RegisteredDomain>> open();

  // name: lower case, without the dot at the end. A part of it; the whole name where it has no registered
  // domain, as a public suffix has none. Allocates nothing.
  [[nodiscard]] const char* of(const char* name) const noexcept;

 private:
  struct Free {
    void operator()(psl_ctx_st* list) const noexcept;
  };
  std::unique_ptr<psl_ctx_st, Free> list_;
};

}  // namespace weir
