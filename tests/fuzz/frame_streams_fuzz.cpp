// Frame Streams fed in random pieces against a naive reader of the whole buffer that decodes its control
// frames with libfstrm. Input: the stream; its last bytes also choose the frame limit and the pieces, so that
// a seed is a stream as it is. Aborts on a difference.
#include <fstrm.h>

#include <cstdlib>
#include <optional>
#include <vector>

#include "core/net/control_frame.h"
#include "core/net/frame_streams.h"

namespace {

using weir::FrameStreams;
using Bytes = std::span<const uint8_t>;

struct Seen {
  std::vector<std::vector<uint8_t>> frames;
  size_t too_long = 0;
  size_t replies = 0;
  size_t ends = 0;
  size_t finishes = 0;  // of them answered
  size_t odd = 0;
  bool fault = false;
  bool cut = false;
  bool operator==(const Seen&) const = default;
};

uint32_t be32(Bytes b) {
  return static_cast<uint32_t>(b[0]) << 24U | static_cast<uint32_t>(b[1]) << 16U |
         static_cast<uint32_t>(b[2]) << 8U | b[3];
}

// nullopt: libfstrm does not take it.
std::optional<fstrm_control_type> decode(Bytes payload, bool& dnstap) {
  fstrm_control* control = fstrm_control_init();
  std::optional<fstrm_control_type> type(FSTRM_CONTROL_STOP);
  if (fstrm_control_decode(control, payload.data(), payload.size(), 0) != fstrm_res_success)
    type.reset();
  else
    (void)fstrm_control_get_type(control, &*type);
  const std::string_view want = weir::kDnstapContentType;
  dnstap = fstrm_control_match_field_content_type(control, reinterpret_cast<const uint8_t*>(want.data()),
                                                  want.size()) == fstrm_res_success;
  fstrm_control_destroy(&control);
  return type;
}

Seen naive(Bytes b, uint32_t limit) {
  enum { kFirst, kReady, kRunning, kEnded } state = kFirst;
  bool two_way = false;
  Seen seen;
  while (true) {
    if (b.size() < 4) {
      seen.cut = state == kRunning && !b.empty();
      return seen;
    }
    const uint32_t len = be32(b);
    if (len != 0) {
      if (state != kRunning || len > (256U << 20U)) {
        seen.fault = true;
        return seen;
      }
      const bool whole = b.size() - 4 >= len;
      if (len > limit)
        ++seen.too_long;
      else if (whole)
        seen.frames.emplace_back(b.begin() + 4, b.begin() + 4 + len);
      else
        seen.cut = true;
      if (!whole) return seen;
      b = b.subspan(4 + len);
      continue;
    }
    if (b.size() < 8) return seen;
    const uint32_t control_len = be32(b.subspan(4));
    if (control_len <= 512 && b.size() - 8 < control_len) return seen;
    bool dnstap = false;
    std::optional<fstrm_control_type> type;
    bool unknown = false;
    if (control_len <= 512) {
      const Bytes payload = b.subspan(8, control_len);
      type = decode(payload, dnstap);
      unknown = !type && control_len >= 4 && (be32(payload) < 1 || be32(payload) > 5);
      b = b.subspan(8 + control_len);
    }
    const bool begun = state == kRunning || state == kEnded;
    const bool named = type == FSTRM_CONTROL_READY || type == FSTRM_CONTROL_START;
    if ((!type && !(unknown && begun)) || (named && !dnstap) || (!begun && !named)) {
      seen.fault = true;
      return seen;
    }
    if (type == FSTRM_CONTROL_READY && (state == kFirst || state == kEnded)) {
      state = kReady;
      two_way = true;
      ++seen.replies;
    } else if (type == FSTRM_CONTROL_START) {
      state = kRunning;
    } else if (type == FSTRM_CONTROL_STOP && state == kRunning) {
      state = kEnded;
      ++seen.ends;
      seen.finishes += two_way;
    } else {
      ++seen.odd;
    }
  }
}

Seen in_pieces(Bytes b, uint32_t limit, uint32_t seed) {
  FrameStreams streams(limit);
  Seen seen;
  std::vector<uint8_t> held;
  while (!seen.fault && !b.empty()) {
    seed = seed * 1664525U + 1013904223U;
    const size_t n = std::min<size_t>(b.size(), 1 + (seed >> 24U) % 37);
    held.insert(held.end(), b.begin(), b.begin() + static_cast<ptrdiff_t>(n));
    b = b.subspan(n);
    Bytes rest(held);
    for (bool more = false; !more && !seen.fault;) {
      switch (streams.next(rest)) {
        case FrameStreams::Step::more:
          more = true;
          if (streams.need() <= rest.size()) abort();
          break;
        case FrameStreams::Step::frame:
          seen.frames.emplace_back(streams.frame().begin(), streams.frame().end());
          break;
        case FrameStreams::Step::too_long:
          ++seen.too_long;
          break;
        case FrameStreams::Step::reply:
          ++seen.replies;
          break;
        case FrameStreams::Step::end:
          ++seen.ends;
          seen.finishes += !streams.reply().empty();
          break;
        case FrameStreams::Step::odd:
          ++seen.odd;
          break;
        case FrameStreams::Step::start:
          break;
        case FrameStreams::Step::fault:
          seen.fault = true;
          break;
      }
    }
    if (!seen.fault) held.assign(rest.begin(), rest.end());
  }
  seen.cut = !seen.fault && streams.cut_in_frame(held);
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const uint32_t last = data[size - 1];
  const uint32_t limit = (last & 1U) != 0 ? 1U << 20U : 1 + last * 4;
  const Bytes stream(data, size);
  if (!(in_pieces(stream, limit, data[size - 2] * 256U + last) == naive(stream, limit))) abort();
  return 0;
}
