#include "exporters/sinks/balanced_sink.h"

#include <algorithm>
#include <utility>

namespace weir {

BalancedSink::BalancedSink(std::vector<Part> parts) {
  for (Part& part : parts) shares_.push_back({std::move(part.name), std::move(part.sink)});
}

size_t BalancedSink::choose() const noexcept {
  size_t best = kNone;
  for (size_t n = 0; n < shares_.size(); ++n) {
    const size_t i = (first_ + n) % shares_.size();
    if (!shares_[i].sink->up() || shares_[i].broken) continue;
    if (best == kNone || shares_[i].sink->unsettled() < shares_[best].sink->unsettled()) best = i;
  }
  return best;
}

size_t BalancedSink::write(std::string_view records, size_t sent, const Now& now) {
  const bool begins = current_ == kNone;
  if (begins) current_ = choose();
  if (current_ == kNone) return sent;
  Share& share = shares_[current_];
  if (share.broken) return sent;  // take_break() comes
  const size_t before = sent;
  sent = share.sink->write(records, sent, now);
  if (sent > before) {
    share.taken += sent - before;
    first_ = current_ + 1;
    pieces_.push_back({current_, share.taken, sent - before});
  }
  // Behind a part of a block comes its rest, to the same peer.
  if (sent == records.size() || (begins && sent == before)) current_ = kNone;
  notice_breaks();
  return sent;
}

void BalancedSink::notice_breaks() {
  for (Share& share : shares_) {
    const size_t unsettled = share.sink->unsettled();
    if (!share.sink->take_break()) continue;
    if (!share.broken) share.lost_at = share.taken - std::min<uint64_t>(share.taken, unsettled);
    share.broken = true;
  }
}

void BalancedSink::forget_settled() {
  while (!pieces_.empty() && pieces_.front().end <= shares_[pieces_.front().share].settled())
    pieces_.pop_front();
}

size_t BalancedSink::unsettled() const {
  size_t bytes = 0;
  bool first = true;
  for (const Piece& piece : pieces_) {
    const uint64_t settled = shares_[piece.share].settled();
    if (first && piece.end <= settled) continue;
    const uint64_t here = piece.end > settled ? piece.end - settled : 0;
    bytes += first ? static_cast<size_t>(std::min<uint64_t>(piece.bytes, here)) : piece.bytes;
    first = false;
  }
  return bytes;
}

// Not while a peer that is well has a part of a block: it would get the next record in the middle of one.
bool BalancedSink::take_break() {
  notice_breaks();
  forget_settled();
  const bool any =
      std::any_of(shares_.begin(), shares_.end(), [](const Share& share) { return share.broken; });
  if (!any || (current_ != kNone && !shares_[current_].broken)) return false;
  const bool lost = std::any_of(pieces_.begin(), pieces_.end(),
                                [&](const Piece& piece) { return shares_[piece.share].broken; });
  const bool part = current_ != kNone;
  for (Share& share : shares_) share.broken = false;
  current_ = kNone;
  if (!lost && !part) return false;
  pieces_.clear();
  return true;
}

bool BalancedSink::poll(const Now& now) {
  bool worked = false;
  for (Share& share : shares_) worked |= share.sink->poll(now);
  notice_breaks();
  forget_settled();
  return worked;
}

bool BalancedSink::finish(const Now& now) {
  bool finished = true;
  for (Share& share : shares_) finished &= share.sink->finish(now);
  return finished;
}

void BalancedSink::request_reopen() {
  for (Share& share : shares_) share.sink->request_reopen();
}

bool BalancedSink::up() const noexcept {
  return std::any_of(shares_.begin(), shares_.end(), [](const Share& share) { return share.sink->up(); });
}

uint64_t BalancedSink::faults() const noexcept {
  uint64_t faults = 0;
  for (const Share& share : shares_) faults += share.sink->faults();
  return faults;
}

void BalancedSink::describe(MetricVisitor& visitor, const Labels& labels) const {
  for (const Share& share : shares_) {
    Labels own = labels;
    own.push_back({"peer", share.name});
    share.sink->describe(visitor, own);
  }
}

}  // namespace weir
