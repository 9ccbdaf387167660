#include "src/generate/frame_streams_handshake.h"

#include <fstrm.h>

#include <array>
#include <memory>

namespace weir {

namespace {

constexpr std::string_view kContentType = "protobuf:dnstap.Dnstap";
constexpr size_t kMaxControl = FSTRM_CONTROL_FRAME_LENGTH_MAX;

struct ControlDeleter {
  void operator()(fstrm_control* control) const { fstrm_control_destroy(&control); }
};
using Control = std::unique_ptr<fstrm_control, ControlDeleter>;

Status send_control(ByteSink& sink, fstrm_control_type type) {
  const Control control(fstrm_control_init());
  bool made = fstrm_control_set_type(control.get(), type) == fstrm_res_success;
  if (type == FSTRM_CONTROL_READY || type == FSTRM_CONTROL_START) {
    made = made && fstrm_control_add_field_content_type(control.get(),
                                                        reinterpret_cast<const uint8_t*>(kContentType.data()),
                                                        kContentType.size()) == fstrm_res_success;
  }
  std::array<uint8_t, kMaxControl + 8> frame{};
  size_t len = frame.size();
  made = made && fstrm_control_encode(control.get(), frame.data(), &len, FSTRM_CONTROL_FLAG_WITH_HEADER) ==
                     fstrm_res_success;
  if (!made) return Error{"libfstrm could not make a control frame."};
  return sink.write({reinterpret_cast<const char*>(frame.data()), len});
}

Status expect_control(ByteSink& sink, fstrm_control_type expected) {
  const std::string name = fstrm_control_type_to_str(expected);
  std::array<char, 8> head{};  // the escape (four zero bytes), then the control frame's length
  if (auto got = sink.read(head.data(), head.size()); !got) {
    return Error{"While waiting for " + name + ": " + got.error().message};
  }
  uint32_t escape = 0;
  uint32_t len = 0;
  for (size_t i = 0; i < 4; ++i) {
    escape = escape << 8U | static_cast<uint8_t>(head[i]);
    len = len << 8U | static_cast<uint8_t>(head[4 + i]);
  }
  if (escape != 0 || len > kMaxControl)
    return Error{"The receiver sent no control frame where " + name + " is due."};
  std::array<char, kMaxControl> frame{};
  if (auto got = sink.read(frame.data(), len); !got) {
    return Error{"While waiting for " + name + ": " + got.error().message};
  }
  const Control control(fstrm_control_init());
  fstrm_control_type type{};
  if (fstrm_control_decode(control.get(), frame.data(), len, 0) != fstrm_res_success ||
      fstrm_control_get_type(control.get(), &type) != fstrm_res_success || type != expected) {
    return Error{"The receiver sent another control frame where " + name + " is due."};
  }
  if (expected == FSTRM_CONTROL_ACCEPT &&
      fstrm_control_match_field_content_type(control.get(),
                                             reinterpret_cast<const uint8_t*>(kContentType.data()),
                                             kContentType.size()) != fstrm_res_success) {
    return Error{"The receiver does not accept " + std::string(kContentType) + "."};
  }
  return Ok{};
}

}  // namespace

Status open_frame_stream(ByteSink& sink, bool two_way) {
  if (two_way) {
    if (auto sent = send_control(sink, FSTRM_CONTROL_READY); !sent) return sent;
    if (auto accepted = expect_control(sink, FSTRM_CONTROL_ACCEPT); !accepted) return accepted;
  }
  return send_control(sink, FSTRM_CONTROL_START);
}

Status close_frame_stream(ByteSink& sink, bool two_way) {
  if (auto sent = send_control(sink, FSTRM_CONTROL_STOP); !sent) return sent;
  return two_way ? expect_control(sink, FSTRM_CONTROL_FINISH) : Ok{};
}

}  // namespace weir
