#include "core/net/control_frame.h"

#include <fstrm.h>

#include <memory>

namespace weir {
namespace {

struct Destroy {
  void operator()(fstrm_control* control) const { fstrm_control_destroy(&control); }
};
using Control = std::unique_ptr<fstrm_control, Destroy>;

const auto* const kContentType = reinterpret_cast<const uint8_t*>(kDnstapContentType.data());

}  // namespace

ControlFrame decode_control(std::span<const uint8_t> payload) {
  ControlFrame frame;
  const Control control(fstrm_control_init());
  if (fstrm_control_decode(control.get(), payload.data(), payload.size(), 0) != fstrm_res_success) {
    // libfstrm does not tell an unknown type from a damaged frame.
    if (payload.size() >= 4 && payload.size() <= kControlLenLimit) {
      const uint32_t type = static_cast<uint32_t>(payload[0]) << 24U |
                            static_cast<uint32_t>(payload[1]) << 16U |
                            static_cast<uint32_t>(payload[2]) << 8U | payload[3];
      if (type == 0 || type > static_cast<uint32_t>(ControlType::finish))
        frame.state = ControlFrame::State::unknown;
    }
    return frame;
  }
  fstrm_control_type type = FSTRM_CONTROL_STOP;
  (void)fstrm_control_get_type(control.get(), &type);
  frame.state = ControlFrame::State::sound;
  frame.type = static_cast<ControlType>(type);
  frame.dnstap = fstrm_control_match_field_content_type(control.get(), kContentType,
                                                        kDnstapContentType.size()) == fstrm_res_success;
  return frame;
}

std::vector<uint8_t> encode_control(ControlType type) {
  const Control control(fstrm_control_init());
  (void)fstrm_control_set_type(control.get(), static_cast<fstrm_control_type>(type));
  if (type != ControlType::stop && type != ControlType::finish)
    (void)fstrm_control_add_field_content_type(control.get(), kContentType, kDnstapContentType.size());
  std::vector<uint8_t> bytes(kControlHeaderLen + kControlLenLimit);
  size_t len = bytes.size();
  (void)fstrm_control_encode(control.get(), bytes.data(), &len, FSTRM_CONTROL_FLAG_WITH_HEADER);
  bytes.resize(len);
  return bytes;
}

}  // namespace weir
