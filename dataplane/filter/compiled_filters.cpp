#include "dataplane/filter/compiled_filters.h"

#include <map>
#include <mutex>
#include <utility>

namespace weir {

Result<std::shared_ptr<const PacketFilter>> compiled_filter(const std::string& expression, LinkType link) {
  using Filter = std::shared_ptr<const PacketFilter>;
  static std::mutex mutex;
  static std::map<std::pair<LinkType, std::string>, Filter> filters;
  const std::pair key(link, expression);
  {
    const std::lock_guard lock(mutex);
    if (const auto found = filters.find(key); found != filters.end()) return found->second;
  }
  auto compiled = PacketFilter::compile(expression, link);
  if (!compiled) return compiled.error();
  const std::lock_guard lock(mutex);
  return filters.emplace(key, std::make_shared<const PacketFilter>(std::move(*compiled))).first->second;
}

}  // namespace weir
