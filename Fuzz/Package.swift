// swift-tools-version: 6.2
import PackageDescription

/// Fuzzing of everything that is parsed out of a guest's memory or comes from a client: see `scripts/fuzz`. In a package of
/// its own, for all of it is compiled with `--sanitize=fuzzer`, which brings libFuzzer's `main`.
let settings: [SwiftSetting] = [
  .strictMemorySafety(),
  .enableUpcomingFeature("ExistentialAny"),
  .treatAllWarnings(as: .error),
  .unsafeFlags(["-parse-as-library"]),
]

func fuzzer(_ name: String) -> Target {
  .executableTarget(
    name: name, dependencies: ["FuzzSupport", .product(name: "Varve", package: "varve")],
    swiftSettings: settings)
}

let package = Package(
  name: "varve-fuzz",
  dependencies: [.package(name: "varve", path: "..")],
  targets: [
    .target(
      name: "FuzzSupport", dependencies: [.product(name: "Varve", package: "varve")],
      swiftSettings: settings),
    fuzzer("FuzzBTF"),
    fuzzer("FuzzKallsyms"),
    fuzzer("FuzzORC"),
    fuzzer("FuzzVMCoreInfo"),
    fuzzer("FuzzPrintk"),
    fuzzer("FuzzRemote"),
  ])
