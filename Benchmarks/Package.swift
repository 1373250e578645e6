// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that who uses Varve doesn't build what measures it.
let package = Package(
  name: "varve-benchmarks",
  dependencies: [
    .package(name: "varve", path: ".."),
    // No traits: counting allocations would need jemalloc.
    .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
  ],
  targets: [
    .executableTarget(
      name: "VarveBenchmarks",
      dependencies: [
        .product(name: "Varve", package: "varve"),
        .product(name: "Benchmark", package: "benchmark"),
      ],
      path: "VarveBenchmarks",
      swiftSettings: [
        .strictMemorySafety(),
        .enableUpcomingFeature("ExistentialAny"),
        .treatAllWarnings(as: .error),
      ],
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")])
  ]
)
