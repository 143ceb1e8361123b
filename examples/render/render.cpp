// One frame of a small animation, ray traced: spheres on a chequered floor, with shadows and
// mirrors. Each frame is a task, so the market renders as many at once as providers have cores.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

namespace {

constexpr int width = 640, height = 360, samples = 4, bounces_max = 4;

struct Vector {
    double x = 0, y = 0, z = 0;

    friend Vector operator+(Vector a, Vector b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
    friend Vector operator-(Vector a, Vector b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
    friend Vector operator*(Vector a, double k) { return {a.x * k, a.y * k, a.z * k}; }
    friend double dot(Vector a, Vector b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
    friend Vector unit(Vector a) { return a * (1 / std::sqrt(dot(a, a))); }
};

struct Ray {
    Vector origin, direction;  // the direction has length 1
};

struct Sphere {
    Vector centre;
    double radius = 1;
    Vector colour;
    double mirror = 0;  // the share of the light that it reflects
};

struct Hit {
    double distance = std::numeric_limits<double>::infinity();
    Vector point, normal, colour;
    double mirror = 0;
};

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "render: %s\n", what.c_str());
    std::exit(1);
}

/// The spheres at one moment of the animation, 0 to 1: they go round once.
std::vector<Sphere> scene(double moment) {
    std::vector<Sphere> spheres{{{0, 1, 0}, 1, {0.9, 0.9, 0.9}, 0.8}};
    for (int i = 0; i < 5; ++i) {
        const double angle = 2 * std::numbers::pi * (moment + i / 5.0);
        const double up = 0.5 + 0.4 * std::abs(std::sin(2 * angle));
        spheres.push_back({{2.2 * std::cos(angle), up, 2.2 * std::sin(angle)},
                           0.5,
                           {0.3 + 0.14 * i, 0.8 - 0.13 * i, 0.5 + 0.1 * i},
                           0.2});
    }
    return spheres;
}

void meet_floor(const Ray& ray, Hit& hit) {
    const double distance = -ray.origin.y / ray.direction.y;
    if (!(distance > 1e-6 && distance < hit.distance)) return;
    const Vector point = ray.origin + ray.direction * distance;
    const auto tile = static_cast<long>(std::floor(point.x) + std::floor(point.z));
    const double grey = tile % 2 == 0 ? 0.8 : 0.3;
    hit = {distance, point, {0, 1, 0}, {grey, grey, grey}, 0.1};
}

void meet_sphere(const Ray& ray, const Sphere& sphere, Hit& hit) {
    const Vector away = ray.origin - sphere.centre;
    const double half = dot(away, ray.direction);
    const double inside = half * half - dot(away, away) + sphere.radius * sphere.radius;
    if (inside < 0) return;
    const double distance = -half - std::sqrt(inside);
    if (!(distance > 1e-6 && distance < hit.distance)) return;
    const Vector point = ray.origin + ray.direction * distance;
    hit = {distance, point, unit(point - sphere.centre), sphere.colour, sphere.mirror};
}

Hit first_hit(const std::vector<Sphere>& spheres, const Ray& ray) {
    Hit hit;
    meet_floor(ray, hit);
    for (const Sphere& sphere : spheres) meet_sphere(ray, sphere, hit);
    return hit;
}

/// The light that comes back along a ray.
Vector light(const std::vector<Sphere>& spheres, Ray ray) {
    const Vector sun = unit(Vector{-0.5, 1, -0.6});
    Vector total;
    double share = 1;
    for (int bounce = 0; bounce <= bounces_max; ++bounce) {
        const Hit hit = first_hit(spheres, ray);
        if (std::isinf(hit.distance)) {
            const double high = std::max(ray.direction.y, 0.0);
            return total + Vector{0.9 - 0.5 * high, 0.95 - 0.3 * high, 1} * share;
        }
        const Vector start = hit.point + hit.normal * 1e-6;
        const bool lit = std::isinf(first_hit(spheres, {start, sun}).distance);
        const double bright = 0.15 + (lit ? 0.85 * std::max(dot(hit.normal, sun), 0.0) : 0.0);
        total = total + hit.colour * (bright * share * (1 - hit.mirror));
        share *= hit.mirror;
        ray = {start, ray.direction - hit.normal * (2 * dot(ray.direction, hit.normal))};
    }
    return total;
}

std::uint8_t to_byte(double value) {
    return static_cast<std::uint8_t>(std::lround(255 * std::sqrt(std::clamp(value, 0.0, 1.0))));
}

void render_row(const std::vector<Sphere>& spheres, int row, std::vector<std::uint8_t>& image) {
    const Vector eye{0, 2.2, -6}, forward = unit(Vector{0, -0.2, 1}), up = unit(Vector{0, 1, 0.2});
    for (int column = 0; column < width; ++column) {
        Vector sum;
        for (int i = 0; i < samples * samples; ++i) {
            const int across = i % samples, down = i / samples;  // within the pixel
            const double right = (column + (across + 0.5) / samples - width / 2.0) / height;
            const double high = (height / 2.0 - row - (down + 0.5) / samples) / height;
            const Vector direction = unit(forward + Vector{right, 0, 0} + up * high);
            sum = sum + light(spheres, {eye, direction}) * (1.0 / (samples * samples));
        }
        image.insert(image.end(), {to_byte(sum.x), to_byte(sum.y), to_byte(sum.z)});
    }
}

}  // namespace

int main(int count, char** words) {
    if (count != 4) fail("usage: render FRAME FRAMES OUT.ppm");
    const int frame = std::atoi(words[1]), frames = std::atoi(words[2]);
    if (frame < 0 || frames < 1 || frame >= frames) fail("FRAME goes from 0 to FRAMES - 1");
    std::FILE* report = fdopen(3, "w");  // where Shoal reads metrics and progress
    if (report == nullptr) fail("file descriptor 3 is closed; by hand, add 3>progress.jsonl");

    const std::vector<Sphere> spheres = scene(static_cast<double>(frame) / frames);
    std::vector<std::uint8_t> image;
    for (int row = 0; row < height; ++row) {
        render_row(spheres, row, image);
        if (row % 18 != 17) continue;
        std::fprintf(report, "{\"progress\":%.2f}\n", (row + 1.0) / height);
        std::fflush(report);
    }
    std::FILE* out = std::fopen(words[3], "wb");
    if (out == nullptr) fail(std::string("cannot write ") + words[3]);
    std::fprintf(out, "P6\n%d %d\n255\n", width, height);
    const bool written = std::fwrite(image.data(), image.size(), 1, out) == 1;
    if (std::fclose(out) != 0 || !written) fail(std::string("cannot write ") + words[3]);
    return std::fclose(report) == 0 ? 0 : 1;
}
