#include "src/pipeline.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <thread>
#include <type_traits>
#include <utility>

#include "dataplane/directory_input.h"
#include "dataplane/dnstap_dialer.h"
#include "dataplane/dnstap_listener.h"
#include "dataplane/eal.h"
#include "dataplane/file_input.h"
#include "dataplane/filter/link_filters.h"
#include "dataplane/mirror_port.h"
#include "exporters/outputs.h"
#include "src/version.h"

namespace weir {
namespace {

// From the word to end until every lcore must have turned: none waits for anything but the kernel.
constexpr uint64_t kComeBackNs = 2 * kNsPerSec;

template <class T>
using Lanes = std::vector<std::vector<std::unique_ptr<T>>>;

void add(Balance& sum, const Balance& part) {
  sum.in += part.in;
  sum.out += part.out;
  sum.drops += part.drops;
  sum.in_flight += part.in_flight;
}

template <class Stages>
Balance sum_of(const Stages& stages) {
  Balance sum;
  for (const auto& stage : stages) add(sum, stage->balance());
  return sum;
}

std::vector<const PcapOptions*> captures_of(const Config& config) {
  std::vector<const PcapOptions*> captures;
  for (const OutputConfig& output : config.outputs)
    if (const auto* pcap = std::get_if<PcapOptions>(&output)) captures.push_back(pcap);
  return captures;
}

void add(Balance& sum, const Ring& ring) {
  sum.in += ring.pushed();
  sum.out += ring.popped();
  sum.in_flight += ring.depth();
}

// Which end of a cut packet is the server follows from the inputs' ports.
DecodeOptions decode_options(const Config& config) {
  DecodeOptions options = config.match;
  for (const InputConfig& input : config.inputs) {
    const PacketOptions* packets = packet_options(input);
    if (packets == nullptr) continue;
    options.dns_ports.insert(options.dns_ports.end(), packets->dns_ports.begin(), packets->dns_ports.end());
  }
  return options;
}

// Of packets that do not wait for a filter to be compiled.
std::span<const LinkType> live_links(const Config& config) {
  const std::span<const LinkType> all = LinkFilters::kLive;
  size_t links = 0;
  for (const InputConfig& input : config.inputs)
    if (const auto* mirror = std::get_if<MirrorOptions>(&input))
      links = std::max(links, mirror->interface.empty() ? 1 : all.size());
  return all.first(links);
}

std::vector<std::string> input_names(const Config& config) {
  std::vector<std::string> names;
  for (const InputConfig& input : config.inputs)
    names.push_back(std::visit([](const auto& options) { return options.name; }, input));
  return names;
}

}  // namespace

Pipeline::~Pipeline() = default;

Status Pipeline::open_inputs(const Config& config, const Plan& plan, Lanes<Input>& lanes) {
  unsigned nth_mirror = 0;
  for (size_t i = 0; i < config.inputs.size(); ++i) {
    const auto index = static_cast<uint16_t>(i);
    Result<std::vector<std::unique_ptr<Input>>> opened = std::vector<std::unique_ptr<Input>>{};
    if (const auto* dnstap = std::get_if<DnstapInputOptions>(&config.inputs[i])) {
      opened = dnstap->connect ? open_dnstap_dialer(*dnstap, index, plan.ingest)
                               : open_dnstap_listener(*dnstap, index, plan.ingest);
    } else if (const auto* files = std::get_if<FileOptions>(&config.inputs[i])) {
      FileOptions options = *files;
      options.packets.reassembly = config.reassembly;
      opened = open_files(options, index, plan.ingest);
    } else if (const auto* directory = std::get_if<DirectoryOptions>(&config.inputs[i])) {
      DirectoryOptions options = *directory;
      options.packets.reassembly = config.reassembly;
      opened =
          open_directory(options, index, plan.ingest, plan.decode + static_cast<unsigned>(captures_.size()));
    } else if (const auto* mirror = std::get_if<MirrorOptions>(&config.inputs[i])) {
      std::vector<unsigned> ingest_of_queue;
      for (const Plan::QueueAt& at : plan.queues)
        if (at.input == i) ingest_of_queue.push_back(at.ingest);
      MirrorOptions options = *mirror;
      options.packets.reassembly = config.reassembly;
      opened = open_mirror(options, index, nth_mirror++, ingest_of_queue);
    }
    if (!opened) return opened.error();
    for (auto& input : *opened) {
      const unsigned lane = input->lcore();
      lanes[lane].push_back(std::move(input));
    }
  }
  return Ok{};
}

Status Pipeline::open_outputs(const Config& config, const Plan& plan, Lanes<Output>& lanes) {
  const OutputContext context{
      .export_lcores = plan.export_, .input_names = input_names(config), .max_event_bytes = plan.large_bytes};
  const auto open = [&]<class Options>(const Options& options) -> Result<Outputs> {
    if constexpr (std::is_same_v<Options, PcapOptions>)
      return Outputs{};
    else
      return open_output(options, context);
  };
  for (const OutputConfig& output : config.outputs) {
    if (std::holds_alternative<PcapOptions>(output)) continue;
    Result<Outputs> opened = std::visit(open, output);
    if (!opened) return opened.error();
    for (size_t lane = 0; lane < lanes.size(); ++lane) lanes[lane].push_back(std::move((*opened)[lane]));
  }
  shared_outputs_ = lanes.front().size();
  return open_captures(config, plan, lanes);
}

Status Pipeline::open_captures(const Config& config, const Plan& plan, Lanes<Output>& lanes) {
  for (const PcapOptions* options : captures_of(config)) {
    const unsigned lane = plan.lane_of_capture(static_cast<unsigned>(captures_.size()));
    auto opened = open_output(*options, lane, input_names(config));
    if (!opened) return opened.error();
    captures_.push_back(opened->get());
    lanes[lane].push_back(std::move(*opened));
  }
  return Ok{};
}

// Of one ingest lcore, with its rings.
std::unique_ptr<CaptureTap> Pipeline::make_tap(const Config& config, const Plan& plan) {
  if (captures_.empty()) return nullptr;
  auto tap = std::make_unique<CaptureTap>();
  const auto options = captures_of(config);
  for (size_t i = 0; i < captures_.size(); ++i) {
    copy_rings_.push_back(std::make_unique<Ring>(plan.ring_depth, plan.capture_pool_batches));
    captures_[i]->read_from(*copy_rings_.back());
    tap->add_way({.output = options[i]->name,
                  .pick = options[i]->pick,
                  .filter = options[i]->filter,
                  .snap_length = options[i]->snap_length,
                  .live_links = live_links(config)},
                 *copy_rings_.back(),
                 std::make_unique<BatchPool>(plan.capture_pool_batches,
                                             plan.capture_batch_bytes(options[i]->snap_length), 0, 0));
  }
  return tap;
}

Result<std::unique_ptr<Pipeline>> Pipeline::build(const Config& config, const Plan& plan) {
  std::unique_ptr<Pipeline> pipeline(new Pipeline);
  Lanes<Input> inputs(plan.ingest);
  Lanes<Output> outputs(plan.export_);
  // Outputs first: a sender that is let in finds the street whole.
  if (Status opened = pipeline->open_outputs(config, plan, outputs); !opened) return opened.error();
  if (Status opened = pipeline->open_inputs(config, plan, inputs); !opened) return opened.error();

  const unsigned ingest_pool = plan.ingest_pool_batches + plan.large_batches;
  const unsigned decode_pool = plan.decode_pool_batches + plan.large_batches;
  pipeline->frame_rings_.resize(plan.ingest);
  for (auto& rings : pipeline->frame_rings_)
    for (unsigned s = 0; s < plan.decode; ++s)
      rings.push_back(std::make_unique<Ring>(plan.ring_depth, ingest_pool));
  for (unsigned s = 0; s < plan.decode; ++s)
    pipeline->event_rings_.push_back(std::make_unique<Ring>(plan.ring_depth, decode_pool));

  for (unsigned i = 0; i < plan.ingest; ++i) {
    std::vector<Ring*> out;
    for (auto& ring : pipeline->frame_rings_[i]) out.push_back(ring.get());
    pipeline->ingest_.push_back(
        std::make_unique<IngestStage>(i, std::move(inputs[i]), std::move(out),
                                      std::make_unique<BatchPool>(plan.ingest_pool_batches, plan.batch_bytes,
                                                                  plan.large_batches, plan.large_bytes),
                                      pipeline->make_tap(config, plan)));
  }
  for (unsigned s = 0; s < plan.decode; ++s) {
    std::vector<Ring*> in;
    for (auto& rings : pipeline->frame_rings_) in.push_back(rings[s].get());
    pipeline->decode_.push_back(std::make_unique<DecodeStage>(
        s, decode_options(config), std::move(in), pipeline->event_rings_[s].get(),
        std::make_unique<BatchPool>(plan.decode_pool_batches, plan.batch_bytes, plan.large_batches,
                                    plan.large_bytes)));
  }
  for (unsigned e = 0; e < plan.export_; ++e) {
    std::vector<Ring*> in;
    for (unsigned s = e; s < plan.decode; s += plan.export_) in.push_back(pipeline->event_rings_[s].get());
    pipeline->export_.push_back(std::make_unique<ExportStage>(e, std::move(in), std::move(outputs[e])));
  }

  for (const PlanLcore& lcore : plan.lcores) {
    auto loop = std::make_unique<LcoreLoop>(plan.spin, plan.rest_limit_ms * kNsPerMs, pipeline->abort_);
    for (const PlanStage& stage : lcore.stages) {
      switch (stage.kind) {
        case LcoreKind::ingest:
          loop->add(*pipeline->ingest_[stage.index], "ingest", stage.index);
          break;
        case LcoreKind::decode:
          loop->add(*pipeline->decode_[stage.index], "decode", stage.index);
          break;
        case LcoreKind::export_:
          loop->add(*pipeline->export_[stage.index], "export", stage.index);
          break;
      }
    }
    pipeline->loops_.push_back(std::move(loop));
    pipeline->lcore_ids_.push_back(lcore.lcore_id);
  }
  return pipeline;
}

Status Pipeline::start() {
  // From the end of the street to its beginning, so that nothing is pushed before somebody pops.
  for (size_t i = loops_.size(); i-- > 0;) {
    Status started = run_on_lcore(
        lcore_ids_[i], [](void* loop) { static_cast<LcoreLoop*>(loop)->run(); }, loops_[i].get());
    if (started) continue;
    // Those that run already must not outlive what they run on.
    abort_.store(true, std::memory_order_relaxed);
    for (size_t running = i + 1; running < loops_.size(); ++running) wait_for_lcore(lcore_ids_[running]);
    return started;
  }
  return Ok{};
}

void Pipeline::request_stop() {
  for (auto& stage : ingest_) stage->request_stop();
}

void Pipeline::request_reopen() {
  for (auto& stage : ingest_)
    for (const auto& input : stage->inputs()) input->request_reload();
  for (auto& stage : export_)
    for (const auto& output : stage->outputs()) output->request_reopen();
}

bool Pipeline::inputs_ended() const {
  return std::all_of(ingest_.begin(), ingest_.end(), [](const auto& stage) { return stage->ended(); });
}

bool Pipeline::ended() const {
  for (const auto& loop : loops_)
    if (!loop->ended()) return false;
  return true;
}

bool Pipeline::finish() {
  abort_.store(true, std::memory_order_relaxed);
  const uint64_t give_up_ns = read_clock().mono_ns + kComeBackNs;
  while (!ended()) {
    if (read_clock().mono_ns > give_up_ns) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  for (unsigned id : lcore_ids_) wait_for_lcore(id);
  // In the order of the street: what one stage leaves in its rings, the next one counts.
  for (auto& stage : ingest_) stage->abandon();
  for (auto& stage : decode_) stage->abandon();
  for (auto& stage : export_) stage->abandon();
  return true;
}

std::vector<BalanceLine> Pipeline::balance() const {
  std::vector<BalanceLine> lines;
  lines.push_back({"ingest", sum_of(ingest_)});
  Balance frames;
  for (const auto& rings : frame_rings_)
    for (const auto& ring : rings) add(frames, *ring);
  lines.push_back({"rings ingest→decode", frames});
  lines.push_back({"decode", sum_of(decode_)});
  Balance events;
  for (const auto& ring : event_rings_) add(events, *ring);
  lines.push_back({"rings decode→export", events});
  lines.push_back({"export", sum_of(export_)});
  if (export_.empty()) return lines;
  for (size_t o = 0; o < shared_outputs_; ++o) {
    Balance output;
    for (const auto& stage : export_) add(output, stage->outputs()[o]->balance());
    lines.push_back({"output " + export_.front()->outputs()[o]->name(), output});
  }
  for (size_t o = 0; o < shared_outputs_; ++o) {
    Balance spool;
    bool has_one = false;
    for (const auto& stage : export_)
      if (const auto balance = stage->outputs()[o]->spool_balance()) {
        has_one = true;
        add(spool, *balance);
      }
    if (has_one) lines.push_back({"spool " + export_.front()->outputs()[o]->name(), spool});
  }
  for (unsigned i = 0; i < captures_.size(); ++i)
    lines.push_back({"copies " + captures_[i]->name(), copies(i)});
  return lines;
}

Balance Pipeline::copies(unsigned capture) const {
  Balance sum = captures_[capture]->balance();
  sum.in = 0;
  sum.in_flight += captures_[capture]->under_way();
  for (const auto& stage : ingest_) {
    const Balance tapped = stage->tap()->balance(capture);
    sum.in += tapped.in;
    sum.drops += tapped.drops;
    sum.in_flight += tapped.in_flight;
  }
  return sum;
}

std::vector<std::string> Pipeline::faults() const {
  std::vector<std::string> faults;
  for (const auto& stage : ingest_)
    for (const auto& input : stage->inputs())
      if (std::string fault = input->fault(); !fault.empty()) faults.push_back(std::move(fault));
  for (const auto& stage : export_)
    for (const auto& output : stage->outputs())
      if (std::string fault = output->fault(); !fault.empty()) faults.push_back(std::move(fault));
  return faults;
}

bool Pipeline::output_ended() const {
  for (const auto& stage : export_)
    for (const auto& output : stage->outputs())
      if (output->ended()) return true;
  return false;
}

std::string Pipeline::stuck_lcore(uint64_t limit_ns) const {
  const uint64_t now = read_clock().mono_ns;
  for (size_t i = 0; i < loops_.size(); ++i) {
    const uint64_t last = loops_[i]->last_turn_ns();
    if (last != 0 && !loops_[i]->ended() && now > last + limit_ns)
      return "lcore " + std::to_string(lcore_ids_[i]);
  }
  return {};
}

void Pipeline::describe(MetricVisitor& visitor) const {
  visitor.gauge("weir_build_info", "Always 1; the labels say what runs.",
                {{"version", kVersion}, {"dpdk", kDpdkVersion}, {"build", kBuildType}}, 1);
  for (const auto& loop : loops_) {
    loop->describe(visitor);
  }
  const auto show = [&](Ring& ring, const Labels& labels) {
    visitor.counter("weir_ring_pushed_units_total", "Units handed over this ring.", labels,
                    static_cast<double>(ring.pushed()));
    visitor.counter("weir_ring_popped_units_total", "Units taken from this ring.", labels,
                    static_cast<double>(ring.popped()));
    visitor.gauge("weir_ring_depth_units",
                  "Units that wait in this ring. High for long: the lcore that reads it is the bottleneck.",
                  labels, static_cast<double>(ring.depth()));
    visitor.gauge("weir_ring_highest_depth_units", "Highest depth since the last scrape.", labels,
                  static_cast<double>(ring.take_highest_depth()));
    visitor.gauge("weir_ring_waiting_batches", "Batches that wait in this ring; at its capacity it is full.",
                  labels, ring.waiting());
    visitor.gauge("weir_ring_capacity_batches", "Batches that fit into this ring.", labels, ring.capacity());
  };
  for (size_t i = 0; i < frame_rings_.size(); ++i)
    for (size_t s = 0; s < frame_rings_[i].size(); ++s)
      show(*frame_rings_[i][s],
           {{"from", "ingest/" + std::to_string(i)}, {"to", "decode/" + std::to_string(s)}});
  for (size_t s = 0; s < event_rings_.size(); ++s)
    show(*event_rings_[s],
         {{"from", "decode/" + std::to_string(s)}, {"to", "export/" + std::to_string(s % export_.size())}});
  for (const BalanceLine& line : balance()) {
    const Labels labels = {{"stage", line.name}};
    visitor.counter("weir_balance_in_units_total", "Units that came into this stage of the street.", labels,
                    static_cast<double>(line.balance.in));
    visitor.counter("weir_balance_out_units_total", "Units that left this stage towards the next.", labels,
                    static_cast<double>(line.balance.out));
    visitor.counter("weir_balance_dropped_units_total",
                    "Units that ended in this stage; weir_*_drops_total says why.", labels,
                    static_cast<double>(line.balance.drops));
    visitor.gauge("weir_balance_in_flight_units",
                  "Units that are in this stage now: in = out + dropped + in flight.", labels,
                  static_cast<double>(line.balance.in_flight));
  }
}

Pipeline::Progress Pipeline::progress() const {
  Progress progress;
  const auto lost = [](const DropCounters& drops) {
    uint64_t sum = 0;
    for (size_t i = 0; i < kDropCount; ++i)
      if (drop_info(static_cast<Drop>(i)).kind == DropKind::drop) sum += drops.get(static_cast<Drop>(i));
    return sum;
  };
  for (const auto& stage : ingest_) {
    if (stage->tap() != nullptr) progress.drops += stage->tap()->lost();
    for (const auto& input : stage->inputs()) {
      progress.units_in += input->counters().units.get();
      progress.drops += lost(input->counters().drops);
      progress.bytes_done += input->position();
      progress.bytes_all += input->size();
    }
  }
  for (const auto& stage : decode_) progress.drops += lost(stage->drops());
  for (const auto& stage : export_)
    for (const auto& output : stage->outputs()) {
      progress.events_written += output->counters().written_events.get();
      progress.output_down |= output->counters().up.get() == 0;
      progress.drops += lost(output->counters().drops);
    }
  return progress;
}

}  // namespace weir
