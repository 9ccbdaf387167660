#include "src/config/tls_files.h"

#include <string>

#include "core/net/tls.h"
#include "exporters/outputs.h"
#include "src/config/config_check.h"

namespace weir {
namespace {

Status check(const std::string& path, const TlsOptions& tls, const Target& at, bool listens) {
  if (at.scheme != Target::Scheme::tls) return Ok{};
  const auto side = listens ? TlsSide::server(tls) : TlsSide::client(tls, at.host);
  if (!side) return Error{path + ": " + side.error().message};
  return Ok{};
}

}  // namespace

Status check_tls_files(const Config& config) {
  for (size_t i = 0; i < config.inputs.size(); ++i) {
    const auto* dnstap = std::get_if<DnstapInputOptions>(&config.inputs[i]);
    if (dnstap == nullptr) continue;
    const bool listens = dnstap->listen.has_value();
    if (Status usable =
            check(input_path(config, i), dnstap->tls, listens ? *dnstap->listen : *dnstap->connect, listens);
        !usable)
      return usable;
  }
  for (size_t i = 0; i < config.outputs.size(); ++i) {
    if (const auto* kafka = std::get_if<KafkaOptions>(&config.outputs[i])) {
      if (Status usable = check_output(*kafka); !usable)
        return Error{output_path(config, i) + ": " + usable.error().message};
    }
    const auto* dnstap = std::get_if<DnstapOptions>(&config.outputs[i]);
    const Delivery* delivery = delivery_of(config.outputs[i]);
    if (delivery == nullptr) continue;
    const bool listens = dnstap != nullptr && dnstap->listen;
    Status usable =
        check(output_path(config, i), delivery->tls, listens ? *dnstap->listen : *delivery->to, listens);
    if (!usable) return usable;
  }
  return Ok{};
}

}  // namespace weir
