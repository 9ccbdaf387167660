#include "exporters/kafka/registered_domain.h"

#include <libpsl.h>

namespace weir {

void RegisteredDomain::Free::operator()(psl_ctx_st* list) const noexcept { psl_free(list); }

Result<std::shared_ptr<const RegisteredDomain>> RegisteredDomain::open() {
  auto domains = std::make_shared<RegisteredDomain>();
  domains->list_.reset(psl_latest(nullptr));
  if (!domains->list_)
    return Error{
        "key: domain needs the Public Suffix List, and there is none; install the package publicsuffix"};
  return std::shared_ptr<const RegisteredDomain>(std::move(domains));
}

const char* RegisteredDomain::of(const char* name) const noexcept {
  const char* domain = psl_registrable_domain(list_.get(), name);
  return domain == nullptr ? name : domain;
}

}  // namespace weir
