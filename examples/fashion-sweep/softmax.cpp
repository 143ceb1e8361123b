// Softmax regression on Fashion-MNIST by stochastic gradient descent: one setting of the sweep in
// job.yaml. Needs only a folder with the data. The same arguments give the same model again.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <zlib.h>

namespace {

constexpr std::size_t columns = 785, classes = 10, batch_size = 64;  // 28 × 28 pixels and a one

using Row = std::array<float, classes>;
using Model = std::array<Row, columns>;
struct Dataset {
    std::vector<float> images;  // `columns` an image, each from 0 to 1
    std::vector<std::uint8_t> labels;
};

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "softmax: %s\n", what.c_str());
    std::exit(1);
}

/// The items of a gzipped IDX file. Its header must be `header`: a wrong file is refused.
std::vector<std::uint8_t> read_idx(const std::string& path, std::vector<std::uint32_t> header) {
    gzFile file = gzopen(path.c_str(), "rb");
    if (file == nullptr) fail("cannot open " + path);
    std::size_t size = 1;
    for (std::size_t i = 0; i < header.size(); ++i) {
        std::array<std::uint8_t, 4> b{};
        gzread(file, b.data(), 4);
        const unsigned word = b[0] * 0x1000000U + b[1] * 0x10000U + b[2] * 0x100U + b[3];
        if (word != header[i]) fail(path + ": not the Fashion-MNIST file of this name");
        if (i > 0) size *= header[i];
    }
    std::vector<std::uint8_t> items(size + 1);  // one more, to see that nothing follows
    const int got = gzread(file, items.data(), static_cast<unsigned>(items.size()));
    if (got != static_cast<int>(size)) fail(path + ": damaged, or not of the size its header says");
    gzclose(file);
    items.pop_back();
    return items;
}

Dataset read_dataset(const std::string& prefix, std::uint32_t count) {
    const auto bytes = read_idx(prefix + "-images-idx3-ubyte.gz", {0x803, count, 28, 28});
    Dataset data{{}, read_idx(prefix + "-labels-idx1-ubyte.gz", {0x801, count})};
    if (*std::ranges::max_element(data.labels) >= classes) fail(prefix + ": a label above 9");
    data.images.reserve(count * columns);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        data.images.push_back(static_cast<float>(bytes[i]) / 255);
        if (i % (columns - 1) == columns - 2) data.images.push_back(1);  // carries the bias
    }
    return data;
}

/// How likely each class is.
Row predict(const Model& model, const float* image) {
    Row row{};
    for (std::size_t p = 0; p < columns; ++p) {
        for (std::size_t c = 0; c < classes; ++c) row[c] += image[p] * model[p][c];
    }
    const float highest = *std::ranges::max_element(row);
    float sum = 0;
    for (float& value : row) sum += value = std::exp(value - highest);
    for (float& value : row) value /= sum;
    return row;
}

/// One step down the gradient of a batch; returns the mean cross-entropy before it.
float train(Model& model, const Dataset& data, const std::uint32_t* batch, float rate, float l2) {
    Model gradient{};
    float loss = 0;
    for (std::size_t i = 0; i < batch_size; ++i) {
        const float* image = &data.images[batch[i] * columns];
        Row error = predict(model, image);
        loss -= std::log(std::max(error[data.labels[batch[i]]], 1e-12F)) / batch_size;
        error[data.labels[batch[i]]] -= 1;
        for (std::size_t p = 0; p < columns; ++p) {
            for (std::size_t c = 0; c < classes; ++c) gradient[p][c] += image[p] * error[c];
        }
    }
    for (std::size_t i = 0; i < columns * classes; ++i) {
        float& weight = model[i / classes][i % classes];
        weight -= rate * (gradient[i / classes][i % classes] / batch_size + l2 * weight);
    }
    return loss;
}

double accuracy(const Model& model, const Dataset& data) {
    double right = 0;
    for (std::size_t i = 0; i < data.labels.size(); ++i) {
        const Row row = predict(model, &data.images[i * columns]);
        right += std::ranges::max_element(row) - row.begin() == data.labels[i] ? 1 : 0;
    }
    return right / static_cast<double>(data.labels.size());
}

float number(const std::string& text, float least, float most) {
    char* end = nullptr;
    const float value = std::strtof(text.c_str(), &end);
    if (*end == '\0' && value >= least && value <= most) return value;
    fail("not a number, or out of range: '" + text + "'");
}

}  // namespace

int main(int count, char** words) {
    std::map<std::string, std::string> options;
    for (int i = 1; i + 1 < count; i += 2) options[words[i]] = words[i + 1];
    for (const char* name : {"--data", "--rate", "--l2", "--epochs", "--out"}) {
        const bool given = count == 11 && options.contains(name);
        if (!given) fail("usage: softmax --data DIR --rate R --l2 L --epochs N --out FILE");
    }
    const float rate = number(options["--rate"], 1e-6F, 10), l2 = number(options["--l2"], 0, 1);
    const auto epochs = static_cast<std::size_t>(number(options["--epochs"], 1, 1000));
    const Dataset training = read_dataset(options["--data"] + "/train", 60'000);
    const Dataset test = read_dataset(options["--data"] + "/t10k", 10'000);
    std::FILE* report = fdopen(3, "w");  // where Shoal reads metrics and progress
    if (report == nullptr) fail("file descriptor 3 is closed; by hand, add 3>metrics.jsonl");

    Model model{};
    std::vector<std::uint32_t> order(training.labels.size());
    std::iota(order.begin(), order.end(), 0U);
    std::mt19937 chance(1);
    const std::size_t epoch = order.size() / batch_size, steps = epochs * epoch;
    for (std::size_t step = 0; step < steps; ++step) {
        if (step % epoch == 0) std::ranges::shuffle(order, chance);
        const float loss = train(model, training, &order[step % epoch * batch_size], rate, l2);
        if (step % 100 != 0) continue;
        std::fprintf(report, "{\"metric\":{\"step\":%zu,\"loss\":%.6f}}\n", step, double{loss});
        std::fprintf(report, "{\"progress\":%.4f}\n", double(step) / double(steps));
        std::fflush(report);
    }
    const double reached = accuracy(model, test);
    std::fprintf(report, "{\"metric\":{\"step\":%zu,\"accuracy\":%.4f}}\n", steps, reached);
    std::FILE* out = std::fopen(options["--out"].c_str(), "wb");
    const bool written = out != nullptr && std::fwrite(&model, sizeof model, 1, out) == 1;
    if (!written || std::fclose(out) != 0) fail("cannot write " + options["--out"]);
    std::printf("accuracy %.4f on the test images\n", reached);
    return std::fclose(report) == 0 ? 0 : 1;
}
