#include "executor/gzip.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>

namespace mimas::executor {
namespace {

constexpr int kWindow = 32'768;
constexpr int kBlock = 65'536;
constexpr int kMatchMin = 3;
constexpr int kMatchMax = 258;
constexpr int kChain = 16;  // how many earlier places are tried
constexpr int kGood = 32;   // a match of this length is not looked beyond
constexpr int kHashBits = 15;
constexpr int kEndOfBlock = 256;
constexpr int kLiterals = 286, kDistances = 30, kLengthCodes = 19;
constexpr int kBitsMax = 15, kLengthBitsMax = 7;

// RFC 1951 §3.2.5: the first length and distance of each code, and the extra bits that follow it.
constexpr std::array<std::uint16_t, 29> kLengthBase = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                                       15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                                       67, 83, 99, 115, 131, 163, 195, 227, 258};
constexpr std::array<std::uint8_t, 29> kLengthExtra = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                                       2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
constexpr std::array<std::uint16_t, 30> kDistanceBase = {
    1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
    193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
constexpr std::array<std::uint8_t, 19> kLengthOrder = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                       11, 4,  12, 3, 13, 2, 14, 1, 15};

constexpr int distance_extra(int code) { return code < 4 ? 0 : code / 2 - 1; }

template <std::size_t N>
int code_of(const std::array<std::uint16_t, N>& bases, int value) {
  return static_cast<int>(std::upper_bound(bases.begin(), bases.end(), value) - bases.begin()) - 1;
}

// A Huffman code, lengths first and then the canonical words, reversed as the stream wants them.
struct Huffman {
  std::array<std::uint8_t, kLiterals> bits{};
  std::array<std::uint16_t, kLiterals> word{};

  // Counts are made flatter until no word is too long; that costs next to nothing and happens hardly ever.
  void make(std::uint32_t* counts, int symbols, int longest) {
    while (!measure(counts, symbols, longest)) {
      for (int i = 0; i < symbols; ++i) counts[i] = (counts[i] + 1) / 2;
    }
    std::array<int, kBitsMax + 1> of_length{}, next{};
    for (int i = 0; i < symbols; ++i) ++of_length[bits[i]];
    of_length[0] = 0;
    for (int length = 1; length <= kBitsMax; ++length) {
      next[length] = (next[length - 1] + of_length[length - 1]) << 1;
    }
    for (int i = 0; i < symbols; ++i) {
      int straight = bits[i] == 0 ? 0 : next[bits[i]]++;
      int turned = 0;
      for (int bit = 0; bit < bits[i]; ++bit, straight >>= 1) turned = turned << 1 | (straight & 1);
      word[i] = static_cast<std::uint16_t>(turned);
    }
  }

 private:
  bool measure(const std::uint32_t* counts, int symbols, int longest) {
    struct Node {
      std::uint32_t count;
      int parent;
    };
    std::array<Node, std::size_t{2} * kLiterals> nodes;
    std::array<int, kLiterals> open{};  // roots of the trees not joined yet
    int roots = 0, used = symbols;
    for (int i = 0; i < symbols; ++i) {
      nodes[i] = {counts[i], -1};
      if (counts[i] > 0) open[roots++] = i;
    }
    const auto lightest = [&] {
      int best = 0;
      for (int i = 1; i < roots; ++i) {
        if (nodes[open[i]].count < nodes[open[best]].count) best = i;
      }
      const int node = open[best];
      open[best] = open[--roots];
      return node;
    };
    while (roots > 1) {
      const int a = lightest(), b = lightest();
      nodes[used] = {nodes[a].count + nodes[b].count, -1};
      nodes[a].parent = nodes[b].parent = used;
      open[roots++] = used++;
    }
    for (int i = 0; i < symbols; ++i) {
      int depth = counts[i] > 0 && nodes[i].parent < 0 ? 1 : 0;  // a word alone still takes a bit
      for (int node = i; nodes[node].parent >= 0; node = nodes[node].parent) ++depth;
      if (depth > longest) return false;
      bits[i] = static_cast<std::uint8_t>(depth);
    }
    return true;
  }
};

class Gzip {
 public:
  Gzip(int in, int out, std::int64_t bytes_max) : in_(in), out_(out), left_(bytes_max) {
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t crc = i;
      for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
      crc_table_[i] = crc;
    }
    head_.fill(-1);
  }

  Status run() {
    constexpr unsigned char kHeader[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};
    for (const unsigned char byte : kHeader) put(byte, 8);
    bool last = false;
    while (!last) {
      if (!fill(last)) return make_error(Code::io, std::string("cannot read: ") + std::strerror(errno));
      if (left_ < 0) return make_error(Code::too_large, "there is more of it than there may be");
      find_tokens();
      write_block(last);
      if (failed_ != 0) break;
    }
    put(0, (8 - held_ % 8) % 8);
    for (const std::uint32_t word : {~crc_, size_}) {
      put(word & 0xffff, 16);
      put(word >> 16, 16);
    }
    flush();
    if (failed_ != 0) return make_error(Code::io, std::string("cannot write: ") + std::strerror(failed_));
    return Done{};
  }

 private:
  // The window before, and up to a block of new bytes.
  bool fill(bool& last) {
    const int keep = std::min(end_, kWindow);
    const int shift = end_ - keep;
    std::memmove(data_.data(), data_.data() + shift, static_cast<std::size_t>(keep));
    for (auto& place : head_) place = std::max(place - shift, -1);
    for (auto& place : previous_) place = std::max(place - shift, -1);
    // previous_ is addressed by place: turned by what everything has moved.
    turn_ = (turn_ + shift) % kWindow;
    at_ = end_ = keep;
    while (end_ < keep + kBlock) {
      const ssize_t got = ::read(in_, data_.data() + end_, static_cast<std::size_t>(keep + kBlock - end_));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return false;
      last = got == 0;
      if (last) break;
      end_ += static_cast<int>(got);
    }
    for (int i = keep; i < end_; ++i) crc_ = crc_ >> 8 ^ crc_table_[(crc_ ^ data_[i]) & 0xff];
    size_ += static_cast<std::uint32_t>(end_ - keep);
    left_ -= end_ - keep;
    return true;
  }

  int& previous(int place) { return previous_[(place + turn_) % kWindow]; }

  int& bucket(int place) {
    const std::uint32_t three = data_[place] | static_cast<std::uint32_t>(data_[place + 1]) << 8 |
                                static_cast<std::uint32_t>(data_[place + 2]) << 16;
    return head_[three * 0x9e3779b1u >> (32 - kHashBits)];
  }

  void remember(int place) {
    if (place + kMatchMin > end_) return;
    int& newest = bucket(place);
    previous(place) = newest;
    newest = place;
  }

  int match(int place, int& distance) {
    const int longest = std::min(kMatchMax, end_ - place);
    if (longest < kMatchMin) return 0;
    int best = kMatchMin - 1;
    int other = bucket(place);
    for (int tries = kChain; tries > 0 && other >= 0 && place - other <= kWindow - kMatchMax; --tries) {
      if (data_[other + best] == data_[place + best]) {
        int length = 0;
        while (length < longest && data_[other + length] == data_[place + length]) ++length;
        if (length > best) {
          best = length;
          distance = place - other;
          if (length >= std::min(kGood, longest)) break;
        }
      }
      const int older = previous(other);
      if (older >= other) break;  // overwritten since
      other = older;
    }
    return best >= kMatchMin ? best : 0;
  }

  void find_tokens() {
    tokens_used_ = 0;
    literal_counts_.fill(0);
    distance_counts_.fill(0);
    while (at_ < end_) {
      int distance = 0;
      const int length = match(at_, distance);
      if (length == 0) {
        ++literal_counts_[data_[at_]];
        tokens_[tokens_used_++] = data_[at_];
        remember(at_++);
        continue;
      }
      ++literal_counts_[257 + code_of(kLengthBase, length)];
      ++distance_counts_[code_of(kDistanceBase, distance)];
      tokens_[tokens_used_++] =
          static_cast<std::uint32_t>(distance) << 16 | static_cast<std::uint32_t>(length);
      for (int i = 0; i < length; ++i) remember(at_++);
    }
    literal_counts_[kEndOfBlock] = 1;
    if (*std::max_element(distance_counts_.begin(), distance_counts_.end()) == 0) distance_counts_[0] = 1;
  }

  // RFC 1951 §3.2.7.
  void write_block(bool last) {
    Huffman literals, distances;
    literals.make(literal_counts_.data(), kLiterals, kBitsMax);
    distances.make(distance_counts_.data(), kDistances, kBitsMax);
    put(last ? 1 : 0, 1);
    put(2, 2);
    write_codes(literals, distances);
    for (int i = 0; i < tokens_used_; ++i) {
      const int distance = static_cast<int>(tokens_[i] >> 16);
      const int low = static_cast<int>(tokens_[i] & 0xffff);
      if (distance == 0) {
        put(literals.word[low], literals.bits[low]);
        continue;
      }
      const int length_code = code_of(kLengthBase, low);
      put(literals.word[257 + length_code], literals.bits[257 + length_code]);
      put(static_cast<std::uint32_t>(low - kLengthBase[length_code]), kLengthExtra[length_code]);
      const int distance_code = code_of(kDistanceBase, distance);
      put(distances.word[distance_code], distances.bits[distance_code]);
      put(static_cast<std::uint32_t>(distance - kDistanceBase[distance_code]), distance_extra(distance_code));
    }
    put(literals.word[kEndOfBlock], literals.bits[kEndOfBlock]);
  }

  // Both codes' lengths, one after the other, in a code of their own. Of the runs it could tell, the runs of
  // zeros alone are worth their bytes here.
  void write_codes(const Huffman& literals, const Huffman& distances) {
    struct Step {
      std::uint8_t symbol, extra;
    };
    std::array<Step, kLiterals + kDistances> steps;
    int used = 0;
    std::array<std::uint32_t, kLengthCodes> counts{};
    const auto length_at = [&](int i) {
      return i < kLiterals ? literals.bits[i] : distances.bits[i - kLiterals];
    };
    for (int i = 0; i < kLiterals + kDistances;) {
      int run = 0;
      while (i + run < kLiterals + kDistances && run < 138 && length_at(i + run) == 0) ++run;
      const int symbol = run >= 11 ? 18 : run >= 3 ? 17 : length_at(i);
      steps[used++] = {static_cast<std::uint8_t>(symbol),
                       static_cast<std::uint8_t>(run >= 11 ? run - 11 : run - 3)};
      ++counts[symbol];
      i += symbol >= 17 ? (run >= 11 ? run : std::min(run, 10)) : 1;
    }
    Huffman lengths;
    lengths.make(counts.data(), kLengthCodes, kLengthBitsMax);
    put(kLiterals - 257, 5);
    put(kDistances - 1, 5);
    put(kLengthCodes - 4, 4);
    for (const std::uint8_t symbol : kLengthOrder) put(lengths.bits[symbol], 3);
    for (int i = 0; i < used; ++i) {
      put(lengths.word[steps[i].symbol], lengths.bits[steps[i].symbol]);
      if (steps[i].symbol == 17) put(steps[i].extra, 3);
      if (steps[i].symbol == 18) put(steps[i].extra, 7);
    }
  }

  void put(std::uint32_t value, int bits) {
    bits_ |= static_cast<std::uint64_t>(value) << held_;
    held_ += bits;
    while (held_ >= 8) {
      bytes_[bytes_used_++] = static_cast<unsigned char>(bits_);
      bits_ >>= 8;
      held_ -= 8;
      if (bytes_used_ == static_cast<int>(bytes_.size())) flush();
    }
  }

  void flush() {
    int done = 0;
    while (done < bytes_used_ && failed_ == 0) {
      const ssize_t wrote = ::write(out_, bytes_.data() + done, static_cast<std::size_t>(bytes_used_ - done));
      if (wrote < 0 && errno != EINTR) failed_ = errno;
      if (wrote > 0) done += static_cast<int>(wrote);
    }
    bytes_used_ = 0;
  }

  int in_, out_;
  std::int64_t left_;  // bytes that may still come
  int failed_ = 0;     // errno of a write
  std::uint32_t crc_ = 0xffffffffu, size_ = 0;
  std::uint64_t bits_ = 0;
  int held_ = 0;
  int at_ = 0, end_ = 0, turn_ = 0;
  int bytes_used_ = 0, tokens_used_ = 0;
  std::array<std::uint32_t, 256> crc_table_{};
  std::array<std::uint32_t, kLiterals> literal_counts_{};
  std::array<std::uint32_t, kDistances> distance_counts_{};
  std::array<unsigned char, kWindow + kBlock> data_{};
  std::array<unsigned char, 16'384> bytes_{};
  std::array<int, 1 << kHashBits> head_{};
  std::array<int, kWindow> previous_{};
  std::array<std::uint32_t, kBlock + 1> tokens_{};
};

}  // namespace

Status gzip(int in, int out, std::int64_t bytes_max) {
  return std::make_unique<Gzip>(in, out, bytes_max)->run();
}

}  // namespace mimas::executor
